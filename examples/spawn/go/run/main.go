// run PROFILE COMMAND...: says in a line how it went.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"example.org/tagout"
)

func main() {
	cmd, err := tagout.New(tagout.Options{Profile: os.Args[1]}, os.Args[2:]...)
	if err != nil {
		panic(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var (
		refused    *tagout.Refused
		notStarted *tagout.NotStarted
		failed     *tagout.Failed
		exit       *exec.ExitError
	)
	switch {
	case err == nil:
		fmt.Println("exited 0")
	case errors.As(err, &refused):
		fmt.Println("refused", refused.Rule)
	case errors.As(err, &notStarted):
		fmt.Println("not started", notStarted.Reason)
	case errors.As(err, &failed):
		fmt.Println("failed", failed.Reason)
	case errors.As(err, &exit):
		if status := exit.Sys().(syscall.WaitStatus); status.Signaled() {
			fmt.Println("signalled", signalName(status.Signal()))
		} else {
			fmt.Println("exited", exit.ExitCode())
		}
	}
}

func signalName(signal syscall.Signal) string {
	if signal == syscall.SIGTERM {
		return "SIGTERM"
	}
	return signal.String()
}
