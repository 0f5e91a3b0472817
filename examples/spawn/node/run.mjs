// run.mjs PROFILE COMMAND...: says in a line how it went.
import { Failed, NotStarted, Refused, start } from './tagout.mjs';

const [profile, ...argv] = process.argv.slice(2);
try {
  const { code, signal } = await start(argv, { profile }).ended;
  console.log(signal ? `signalled ${signal}` : `exited ${code}`);
} catch (error) {
  if (error instanceof Refused) console.log(`refused ${error.rule}`);
  else if (error instanceof NotStarted) console.log(`not started ${error.message}`);
  else if (error instanceof Failed) console.log(`failed ${error.message}`);
  else throw error;
}
