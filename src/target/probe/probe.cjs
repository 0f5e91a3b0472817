// Loads configuration files as their tool does and prints what they hold as JSON, one line behind
// a mark. It asks for no connection. What is called a password stays inside.
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const { pathToFileURL } = require('url');

const ask = JSON.parse(process.argv[1]);
process.argv = [process.execPath, ...ask.argv];
const started = { ...process.env };
const hidden = /^(password|passwd|secret|token|sslkey|key)$/i;

const plain = (value, depth, seen) => {
  if (value === undefined || value === null) return null;
  if (['string', 'number', 'boolean'].includes(typeof value)) return value;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'function') {
    return /Driver$/.test(value.name) ? { __name: value.name } : { __unknown: 'a function' };
  }
  if (typeof value !== 'object') return { __unknown: 'a ' + typeof value };
  if (depth > 8 || seen.includes(value)) return { __unknown: 'nested too deep' };
  const inside = [...seen, value];
  if (Array.isArray(value)) return value.map((v) => plain(v, depth + 1, inside));
  if (value instanceof URL || value instanceof Date || value instanceof String) return String(value);
  const name = value.constructor && value.constructor.name;
  if (name === 'DataSource') {
    return { __class: name, options: plain(value.options, depth + 1, inside) };
  }
  const out = {};
  for (const key of Object.keys(value)) {
    if (!hidden.test(key)) out[key] = plain(value[key], depth + 1, inside);
  }
  return out;
};

// A configuration may hold a function in place of a connection: what it returns.
const settle = async (value, depth) => {
  if (!value || typeof value !== 'object' || depth > 3) return;
  for (const key of Object.keys(value)) {
    if (key === 'connection' && typeof value[key] === 'function') value[key] = await value[key]();
    else await settle(value[key], depth + 1);
  }
};

const translators = [
  ['esbuild-register/dist/node', (m) => m.register()],
  ['tsx/cjs/api', (m) => m.register()],
  ['@swc-node/register', () => {}],
  ['ts-node', (m) => m.register({ transpileOnly: true, compilerOptions: { module: 'commonjs' } })],
];

// What the project has to read TypeScript, or modules of the other kind, with.
const translated = async (file) => {
  const local = createRequire(file);
  for (const [name, use] of translators) {
    let found;
    try {
      found = local(name);
    } catch {
      continue;
    }
    use(found);
    return local(file);
  }
  try {
    const jiti = local('jiti');
    return jiti.createJiti ? await jiti.createJiti(file).import(file) : jiti(file)(file);
  } catch (e) {
    if (e.code !== 'MODULE_NOT_FOUND') throw e;
  }
  return import(pathToFileURL(file).href);
};

const load = async (file) => {
  if (/\.[cm]?ts$/.test(file)) return translated(file);
  if (file.endsWith('.mjs')) return import(pathToFileURL(file).href);
  try {
    return createRequire(file)(file);
  } catch (e) {
    if (e instanceof SyntaxError && !/\.cjs$/.test(file)) return translated(file);
    if (/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(e.code)) return import(pathToFileURL(file).href);
    throw e;
  }
};

const changes = () => {
  const out = {};
  for (const name of new Set([...Object.keys(started), ...Object.keys(process.env)])) {
    if (started[name] !== process.env[name]) out[name] = process.env[name] ?? null;
  }
  return out;
};

const answer = async () => {
  const files = {};
  for (const { path: file, cwd } of ask.files) {
    process.chdir(cwd);
    const loaded = await load(file);
    const wrapped = loaded && (loaded.__esModule || loaded[Symbol.toStringTag] === 'Module');
    let config = wrapped && loaded.default !== undefined ? await loaded.default : await loaded;
    if (config && config.__esModule && config.default !== undefined) config = config.default;
    const exported = wrapped ? { ...loaded } : loaded;
    if (typeof config === 'function') config = await config();
    if (ask.tool === 'knex') await settle(config, 0);
    files[file] = {
      config: plain(config, 0, []),
      exports: plain(exported, 0, []),
      process: changes(),
    };
  }
  return { files };
};

const tell = (said) => {
  const line = Buffer.from('\ntagout-probe:' + JSON.stringify(said) + '\n');
  for (let at = 0; at < line.length; ) at += fs.writeSync(1, line, at);
  process.exit(said.error ? 1 : 0);
};

answer().then(tell, (e) => {
  const name = (e && (e.code || e.name)) || 'Error';
  const lacks = /^(ERR_)?MODULE_NOT_FOUND$/.test(name) && /'([^']*)'/.exec(e.message);
  tell({ error: lacks ? `${name} (${path.basename(lacks[1])})` : String(name) });
});
