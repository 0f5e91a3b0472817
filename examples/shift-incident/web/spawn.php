<?php

// The parent: a web process. Like every Laravel request it loads its own .env, which writes each
// value into $_ENV, $_SERVER and the process environment, and so into every child. Then it spawns
// a worker, with the command given on its own command line.

require_once 'Dotenv/autoload.php';

Dotenv\Dotenv::create(
    Dotenv\Repository\RepositoryBuilder::createWithDefaultAdapters()
        ->addAdapter(Dotenv\Repository\Adapter\PutenvAdapter::class)
        ->immutable()
        ->make(),
    __DIR__
)->load();

$worker = proc_open(array_slice($argv, 2), [STDIN, STDOUT, STDERR], $pipes, $argv[1]);

exit(proc_close($worker));
