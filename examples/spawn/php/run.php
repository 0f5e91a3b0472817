<?php

// run.php PROFILE COMMAND...: says in a line how it went.

declare(strict_types=1);

use Symfony\Component\Process\Exception\ProcessSignaledException;
use Tagout\{Failed, NotStarted, Refused, Tagout};

require getenv('SYMFONY_PROCESS') ?: 'Symfony/Component/Process/autoload.php';
require __DIR__ . '/Tagout.php';

$print = function (string $type, string $text): void {
    fwrite($type === 'err' ? STDERR : STDOUT, $text);
};
try {
    $process = Tagout::run(array_slice($argv, 2), profile: $argv[1], output: $print);
    echo 'exited ', $process->getExitCode(), "\n";
} catch (ProcessSignaledException $e) {
    echo 'signalled ', $e->getSignal() === 15 ? 'SIGTERM' : $e->getSignal(), "\n";
} catch (Refused $e) {
    echo "refused $e->rule\n";
} catch (NotStarted $e) {
    echo "not started {$e->getMessage()}\n";
} catch (Failed $e) {
    echo "failed {$e->getMessage()}\n";
}
