<?php

declare(strict_types=1);

namespace Tagout;

use RuntimeException;
use Symfony\Component\Process\Process;

/** tagout did not run the command. */
class NotRun extends RuntimeException
{
}

/** tagout refused it: `rule` says why in a word, `reasons` for people. */
final class Refused extends NotRun
{
    /** @param list<string> $reasons */
    public function __construct(
        public readonly string $rule,
        public readonly array $reasons,
        public readonly string $id,
    ) {
        parent::__construct("refused by $rule: " . implode('; ', $reasons));
    }
}

/** The program is not there (ENOENT), not executable, or its fence cannot be had. */
final class NotStarted extends NotRun
{
}

/** tagout itself failed: a mistake in its configuration, a journal that cannot be written. */
final class Failed extends NotRun
{
}

/** Starts commands through tagout, and tells its refusals from the command's own failure. */
final class Tagout
{
    /**
     * The words that start a command through tagout.
     *
     * @param list<string> $argv
     * @param list<string> $keep names of variables to let through
     * @return list<string>
     */
    public static function command(array $argv, string $profile = 'worker', array $keep = [], ?string $status = null): array
    {
        $words = ['tagout', 'run', '--profile', $profile];
        foreach ($keep as $name) {
            $words[] = "--keep=$name";
        }
        if ($status !== null) {
            array_push($words, '--json-status', $status);
        }
        return [...$words, '--', ...$argv];
    }

    /**
     * Runs it to its end, and gives the Symfony Process with its exit code and output.
     *
     * @param list<string> $argv
     * @param list<string> $keep
     * @param callable(string, string): void|null $output as in Process::run()
     * @throws NotRun where nothing ran
     */
    public static function run(
        array $argv,
        string $profile = 'worker',
        array $keep = [],
        ?string $cwd = null,
        ?float $timeout = null,
        ?callable $output = null,
    ): Process {
        return self::told(function (string $status) use ($argv, $profile, $keep, $cwd, $timeout, $output): Process {
            $process = new Process(self::command($argv, $profile, $keep, $status), $cwd, timeout: $timeout);
            $process->run($output);
            return $process;
        });
    }

    /**
     * Calls back with the file that `--json-status` is to name, and throws where nothing ran.
     *
     * @template T
     * @param callable(string): T $start
     * @return T
     * @throws NotRun
     */
    public static function told(callable $start): mixed
    {
        $file = tempnam(sys_get_temp_dir(), 'tagout');
        try {
            $result = $start($file);
            $lines = file($file, FILE_IGNORE_NEW_LINES | FILE_SKIP_EMPTY_LINES) ?: ['{}'];
        } finally {
            unlink($file);
        }
        $event = json_decode(end($lines), true, flags: JSON_THROW_ON_ERROR);
        match ($event['event'] ?? null) {
            'ended' => null,
            'refused' => throw new Refused($event['rule'], $event['reasons'], $event['id']),
            'not-started' => throw new NotStarted($event['error']),
            default => throw new Failed($event['error'] ?? 'tagout ended without a word'),
        };
        return $result;
    }
}
