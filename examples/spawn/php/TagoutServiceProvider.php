<?php

declare(strict_types=1);

namespace Tagout;

use Illuminate\Support\Facades\Process;
use Illuminate\Support\ServiceProvider;

/**
 * `Process::tagout(['php', 'artisan', 'queue:work'])` beside Laravel's own `Process::run()`
 * (Laravel 10 and newer). What `Process::fake()` answers is given back as it is.
 */
final class TagoutServiceProvider extends ServiceProvider
{
    public function boot(): void
    {
        Process::macro('tagout', function (
            array $argv,
            string $profile = 'worker',
            array $keep = [],
            ?callable $configure = null,
        ): mixed {
            $pending = $this->newPendingProcess();
            if ($configure !== null) {
                $pending = $configure($pending);
            }
            if ($this->isRecording()) {
                return $pending->run(Tagout::command($argv, $profile, $keep));
            }
            return Tagout::told(
                fn (string $status) => $pending->run(Tagout::command($argv, $profile, $keep, $status)),
            );
        });
    }
}
