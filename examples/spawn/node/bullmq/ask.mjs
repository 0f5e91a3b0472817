// Puts two jobs into the queue and prints what came of them.
import { Queue, QueueEvents } from 'bullmq';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
const queue = new Queue('commands', { connection });
const events = new QueueEvents('commands', { connection });
await events.waitUntilReady();
for (const argv of [['sh', '-c', 'echo ${DATABASE_URL-nothing}'], ['psql', '-h', 'db1', 'shop', '-c', 'drop table orders']]) {
  const job = await queue.add('command', { argv });
  console.log(JSON.stringify(await job.waitUntilFinished(events, 60000)));
}
await events.close();
await queue.close();
