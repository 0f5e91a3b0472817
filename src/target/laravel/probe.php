<?php
// Boots the project's own kernel and prints every connection's configuration as JSON, one line
// behind a mark. No connection is opened, no secret is printed.
$root = $argv[1] ?? getcwd();
$_SERVER['argv'] = array_merge(['artisan'], array_slice($argv, 2));
$_SERVER['argc'] = count($_SERVER['argv']);
foreach (['vendor/autoload.php', 'bootstrap/autoload.php'] as $file) {
    if (is_file($root.'/'.$file)) {
        require_once $root.'/'.$file;
        break;
    }
}
$app = require $root.'/bootstrap/app.php';
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();
$config = $app->make('config');
$parser = class_exists(Illuminate\Support\ConfigurationUrlParser::class) ? new Illuminate\Support\ConfigurationUrlParser : null;
$out = [];
foreach ((array) $config->get('database.connections') as $name => $connection) {
    try {
        $connection = $parser ? $parser->parseConfiguration($connection) : $connection;
    } catch (Throwable $e) {
        continue;
    }
    $out[$name] = array_intersect_key((array) $connection, array_flip(['driver', 'host', 'port', 'database', 'unix_socket']));
}
echo "\ntagout-probe:".json_encode([
    'version' => $app->version(), 'environment' => $app->environment(),
    'default' => $config->get('database.default'), 'connections' => $out,
], JSON_PARTIAL_OUTPUT_ON_ERROR)."\n";
