// Which channel's past tells of which.
import { channelInfluence } from '../../models/index.ts';
import { matrixPicture } from '../../pictures/matrix.ts';
import { rowsText } from '../../text.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { Sitters } from './scene.ts';
import type { PictureView } from './view.ts';

/** Windows that are gone through once for each channel. */
const MOST = 200;
/** Channels, which are as many passes. */
const CHANNELS = 64;

export const INFLUENCE: PictureView = {
  title: 'Which channel tells of which',
  file: PICTURES.influence,
  needs: {
    can: ['byChannel'],
    rows: 2,
    also: ({ can, sitters }) =>
      (can.byChannel?.channels ?? 0) <= CHANNELS && sitters?.shown.mask === undefined,
  },
  async draw(scene, work) {
    const { asked } = scene;
    const { shown, dataset } = scene.sitters as Sitters;
    const count = Math.min(MOST, dataset.count);
    const found = await channelInfluence(asked.runtime, asked.model, shown, count, work);
    return {
      picture: matrixPicture(found.matrix, found.channels),
      caption: `Nats a step that the one-step prediction of a channel (column) loses when the past of a channel (row) is that of another window, over ${rowsText(count)}: what that past tells beyond all others. About 0 where it tells nothing.`,
      alt: 'A matrix of what the past of each channel tells of each channel',
    };
  },
};
