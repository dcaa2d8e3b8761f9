import { wideMlp } from '../models/mlp.mjs';

export default wideMlp(256);
