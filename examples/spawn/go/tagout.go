// Package tagout starts commands through tagout, and tells its refusals from the command's own
// failure.
package tagout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Refused is tagout's refusal: nothing ran.
type Refused struct {
	ID      string
	Rule    string
	Reasons []string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("refused by %s: %s", r.Rule, strings.Join(r.Reasons, "; "))
}

// NotStarted says that the program is not there (ENOENT), not executable, or that its fence cannot
// be had.
type NotStarted struct{ Reason string }

func (n *NotStarted) Error() string { return "not started: " + n.Reason }

// Failed is a failure of tagout itself: a mistake in its configuration, a journal that cannot be
// written.
type Failed struct{ Reason string }

func (f *Failed) Error() string { return "tagout failed: " + f.Reason }

// Options of a launch. The zero value is the profile worker and nothing kept.
type Options struct {
	Profile string
	Keep    []string
}

// Command is exec.Command through tagout. Streams, directory and environment are set on the
// embedded Cmd as usual; Run it with Run.
type Command struct {
	*exec.Cmd
	status *os.File
}

// New makes a command. It is to be Run, which releases what it holds.
func New(options Options, argv ...string) (*Command, error) {
	status, err := os.CreateTemp("", "tagout")
	if err != nil {
		return nil, err
	}
	// Only the descriptor is needed.
	if err := os.Remove(status.Name()); err != nil {
		status.Close()
		return nil, err
	}
	profile := options.Profile
	if profile == "" {
		profile = "worker"
	}
	words := []string{"run", "--profile", profile, "--json-status", "3"}
	for _, name := range options.Keep {
		words = append(words, "--keep="+name)
	}
	cmd := exec.Command("tagout", append(append(words, "--"), argv...)...)
	cmd.ExtraFiles = []*os.File{status}
	return &Command{Cmd: cmd, status: status}, nil
}

// Run starts the command and waits for its end. The error is nil or an *exec.ExitError where the
// command ran, and *Refused, *NotStarted or *Failed where nothing ran.
func (c *Command) Run() error {
	defer c.status.Close()
	ran := c.Cmd.Run()
	var exit *exec.ExitError
	if ran != nil && !errors.As(ran, &exit) {
		return &Failed{ran.Error()}
	}
	if err := c.notRun(); err != nil {
		return err
	}
	return ran
}

type event struct {
	Event, ID, Rule, Error string
	Reasons                []string
}

func (c *Command) notRun() error {
	if _, err := c.status.Seek(0, io.SeekStart); err != nil {
		return &Failed{err.Error()}
	}
	var last event
	for lines := json.NewDecoder(c.status); ; {
		var next event
		if err := lines.Decode(&next); err != nil {
			break
		}
		last = next
	}
	switch last.Event {
	case "ended":
		return nil
	case "refused":
		return &Refused{last.ID, last.Rule, last.Reasons}
	case "not-started":
		return &NotStarted{last.Error}
	case "failed":
		return &Failed{last.Error}
	default:
		return &Failed{"tagout ended without a word"}
	}
}
