// Starts commands through tagout, and tells its refusals from the command's own failure.
import { spawn } from 'node:child_process';

/** tagout did not run the command. */
export class NotRun extends Error {}

/** tagout refused it: `rule` says why in a word, `reasons` for people. */
export class Refused extends NotRun {
  constructor({ rule, reasons, id }) {
    super(`refused by ${rule}: ${reasons.join('; ')}`);
    Object.assign(this, { rule, reasons, id });
  }
}

/** The program is not there (ENOENT), not executable, or its fence cannot be had. */
export class NotStarted extends NotRun {}

/** tagout itself failed: a mistake in its configuration, a journal that cannot be written. */
export class Failed extends NotRun {}

/** The words that start a command through tagout; it tells how it goes on descriptor 3. */
export function command(argv, { profile = 'worker', keep = [], status = 3 } = {}) {
  const names = keep.map((name) => `--keep=${name}`);
  return ['tagout', 'run', '--profile', profile, ...names, '--json-status', `${status}`, '--', ...argv];
}

/**
 * `child_process.spawn` through tagout: the child, and the promise `ended` of `{ code, signal }`,
 * which is rejected with NotRun where nothing ran. Options are spawn's, with `profile` and `keep`.
 */
export function start(argv, { profile, keep, stdio = 'inherit', ...options } = {}) {
  const [program, ...args] = command(argv, { profile, keep });
  const streams = typeof stdio === 'string' ? [stdio, stdio, stdio] : stdio;
  const child = spawn(program, args, { ...options, stdio: [...streams.slice(0, 3), 'pipe'] });
  let told = '';
  child.stdio[3].setEncoding('utf8').on('data', (text) => (told += text));
  const ended = new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new Failed(error.message)));
    child.on('close', (code, signal) => {
      const error = notRun(told.trim().split('\n').at(-1));
      error ? reject(error) : resolve({ code, signal });
    });
  });
  return { child, ended };
}

/** Starts it, waits for its end and collects what it printed. */
export async function run(argv, options = {}) {
  const { child, ended } = start(argv, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (printed[name] += text));
  }
  return { ...(await ended), ...printed };
}

function notRun(line) {
  const event = line ? JSON.parse(line) : {};
  switch (event.event) {
    case 'ended': return null;
    case 'refused': return new Refused(event);
    case 'not-started': return new NotStarted(event.error);
    default: return new Failed(event.error ?? 'tagout ended without a word');
  }
}
