// The session in a worker, so that the page stays smooth.
import { awaitPort } from '../ports.ts';
import { serve } from './session.ts';

awaitPort(serve);
