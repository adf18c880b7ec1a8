// `npm run demo`: what makima is for, in a minute and in a terminal. Everything is real, in a scratch folder that is removed
// afterwards; with --keep the server goes on until Ctrl-C, and the folder stays; with --fast it does not wait for readers.
import { Stage } from './demo/stage.mjs';
import { tellStory } from './demo/story.mjs';

const keep = process.argv.includes('--keep');
/** For people to read in, on a terminal. */
const PAUSE_MS = 2_500;
const isWatched = process.stdout.isTTY === true && !process.argv.includes('--fast');
const stage = new Stage({ pauseMs: isWatched ? PAUSE_MS : 0 });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stage.interrupt());

const interrupted = () =>
  new Promise((resolve) => {
    const timer = setInterval(() => undefined, 60_000);
    stage.signal.addEventListener('abort', () => resolve(clearInterval(timer)));
  });

let failed = false;
try {
  const began = Date.now();
  const { url } = await tellStory(stage);
  await stage.tell(`That was it, in ${Math.round((Date.now() - began) / 1_000)} s.`);
  if (keep) {
    console.log(
      `The server:  ${url}/api/v1/timeline (the key is in ${stage.path('home', 'credentials.json')})`,
    );
    console.log('In another terminal, from here:');
    console.log(`  export MAKIMA_HOME=${stage.path('home')}`);
    console.log('  npx makima task list');
    console.log('Ctrl-C stops the server and the daemons.');
    await interrupted();
  } else {
    console.log('Its server and folder are removed now. To look around in it: npm run demo -- --keep');
    console.log('Your own: npm start, then npx makima --help');
  }
} catch (error) {
  if (!stage.signal.aborted) {
    failed = true;
    console.error(`\nThe demo stops here: ${error.message}`);
  }
} finally {
  await stage.close();
  if (keep) console.log(`Clean up with: rm -rf ${stage.folder}`);
  else stage.remove();
}
process.exit(failed ? 1 : 0);
