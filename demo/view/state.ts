// What the page is doing, in a word, and which of its buttons that leaves.
import type { Activity } from '../protocol.ts';
import { setEnabled, setText } from './elements.ts';

const ACTIVITIES = {
  preparing: 'Preparing…',
  ready: 'Ready',
  training: 'Training',
  measuring: 'Measuring',
  paused: 'Paused',
  hidden: 'Waiting',
  recovering: 'Recovering…',
  stranded: 'GPU lost',
  failed: 'Stopped',
} as const;

const OF_DATA = ['train', 'load', 'choose', 'choose-folder', 'save'];
const OF_MODEL = ['lose', 'shuffle', 'measure'];

/** @param hasBegun whether a step has been made */
export function showState(activity: Activity, isTraining: boolean, hasBegun: boolean): void {
  document.body.dataset.activity = activity;
  setText('activity', ACTIVITIES[activity]);
  const isStranded = activity === 'stranded';
  const goesOn = activity === 'paused' || (hasBegun && activity !== 'ready');
  const way = goesOn ? 'Resume' : 'Start';
  setText('train', isTraining ? 'Pause' : isStranded ? 'Try again' : way);
  const isBusy = activity === 'preparing';
  const isOver = activity === 'failed';
  for (const id of OF_DATA) setEnabled(id, !isBusy && !isOver);
  for (const id of OF_MODEL) setEnabled(id, !isBusy && !isOver && !isStranded);
  setEnabled('reset', !isBusy);
}
