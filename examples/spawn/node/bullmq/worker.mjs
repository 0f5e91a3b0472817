// A worker of BullMQ whose jobs are commands, each through tagout: whatever the worker itself has in
// its environment, they do not get it.
import { Worker } from 'bullmq';
import { Refused, run } from '../tagout.mjs';

const { hostname: host, port } = new URL(process.env.REDIS_URL);

const worker = new Worker(
  'commands',
  async ({ data: { argv } }) => {
    try {
      const { code, stdout } = await run(argv);
      return { code, stdout };
    } catch (error) {
      // Trying again would not help: the job is done, with this answer.
      if (error instanceof Refused) return { refused: error.rule };
      throw error;
    }
  },
  { connection: { host, port: Number(port) } },
);
process.on('SIGTERM', () => worker.close().then(() => process.exit(0)));
