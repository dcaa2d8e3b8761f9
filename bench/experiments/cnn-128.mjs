import { cnn } from '../models/cnn.mjs';

export default cnn(128);
