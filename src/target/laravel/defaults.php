<?php
// The framework's own database, queue and cache configuration (11 and later), as far as it says
// which server is reached. Merged under the project's files.
return [
    'database' => [
        'default' => env('DB_CONNECTION', 'sqlite'),
        'connections' => [
            'sqlite' => ['driver' => 'sqlite', 'url' => env('DB_URL'), 'database' => env('DB_DATABASE', database_path('database.sqlite'))],
            'mysql' => ['driver' => 'mysql', 'url' => env('DB_URL'), 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', '3306'), 'database' => env('DB_DATABASE', 'laravel'), 'username' => env('DB_USERNAME', 'root'), 'unix_socket' => env('DB_SOCKET', '')],
            'mariadb' => ['driver' => 'mariadb', 'url' => env('DB_URL'), 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', '3306'), 'database' => env('DB_DATABASE', 'laravel'), 'username' => env('DB_USERNAME', 'root'), 'unix_socket' => env('DB_SOCKET', '')],
            'pgsql' => ['driver' => 'pgsql', 'url' => env('DB_URL'), 'host' => env('DB_HOST', '127.0.0.1'), 'port' => env('DB_PORT', '5432'), 'database' => env('DB_DATABASE', 'laravel'), 'username' => env('DB_USERNAME', 'root')],
            'sqlsrv' => ['driver' => 'sqlsrv', 'url' => env('DB_URL'), 'host' => env('DB_HOST', 'localhost'), 'port' => env('DB_PORT', '1433'), 'database' => env('DB_DATABASE', 'laravel'), 'username' => env('DB_USERNAME', 'root')],
        ],
        'redis' => [
            'default' => ['url' => env('REDIS_URL'), 'host' => env('REDIS_HOST', '127.0.0.1'), 'port' => env('REDIS_PORT', '6379'), 'database' => env('REDIS_DB', '0')],
            'cache' => ['url' => env('REDIS_URL'), 'host' => env('REDIS_HOST', '127.0.0.1'), 'port' => env('REDIS_PORT', '6379'), 'database' => env('REDIS_CACHE_DB', '1')],
        ],
    ],
    'queue' => [
        'default' => env('QUEUE_CONNECTION', 'database'),
        'connections' => [
            'sync' => ['driver' => 'sync'],
            'database' => ['driver' => 'database', 'connection' => env('DB_QUEUE_CONNECTION')],
            'redis' => ['driver' => 'redis', 'connection' => env('REDIS_QUEUE_CONNECTION', 'default')],
        ],
        'batching' => ['database' => env('DB_CONNECTION', 'sqlite')],
        'failed' => ['driver' => env('QUEUE_FAILED_DRIVER', 'database-uuids'), 'database' => env('DB_CONNECTION', 'sqlite')],
    ],
    'cache' => [
        'default' => env('CACHE_STORE', 'database'),
        'stores' => [
            'array' => ['driver' => 'array'],
            'database' => ['driver' => 'database', 'connection' => env('DB_CACHE_CONNECTION')],
            'file' => ['driver' => 'file'],
            'redis' => ['driver' => 'redis', 'connection' => env('REDIS_CACHE_CONNECTION', 'cache')],
        ],
    ],
];
