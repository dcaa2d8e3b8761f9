import { mlp } from '../models/mlp.mjs';

export default mlp(128);
