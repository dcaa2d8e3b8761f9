import { createTrainer } from './trainer.mjs';
import { mlp } from './models/mlp.mjs';
import { cnn } from './models/cnn.mjs';
import { quantile } from './measure.mjs';
const [name, n='300'] = process.argv.slice(2);
const make = { 'mlp-128': () => mlp(128), 'cnn-64': () => cnn(64) }[name];
const modes = ['off','chain','full'];
const trainers = [];
for (const record of modes) trainers.push(await createTrainer(make(), { numShards: 8, profile: 'fma', record }));
const times = modes.map(()=>[]);
for (let i=0;i<30;i++) for (const t of trainers) t.step();
for (let i=0;i<+n;i++) { const order = i%2? [0,1,2]:[2,1,0]; for (const j of order) { const s=performance.now(); trainers[j].step(); times[j].push(performance.now()-s);} }
for (const [j,m] of modes.entries()) {
  const diff = times[j].map((t,i)=>t-times[0][i]);
  console.log(name, m, 'q10',quantile(times[j],.1).toFixed(3),'median',quantile(times[j],.5).toFixed(3), 'diff median', (1e3*quantile(diff,.5)).toFixed(0)+'us', 'ratio q10', (quantile(times[j],.1)/quantile(times[0],.1)).toFixed(4), 'ratio med', (quantile(times[j],.5)/quantile(times[0],.5)).toFixed(4));
}
