// The groups that a model sorts data into.
import { groupsOf } from '../../models/index.ts';
import { clustersPicture } from '../../pictures/clusters.ts';
import { CODES as MOST } from '../../pictures/codes.ts';
import { rowsText } from '../../text.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { Sitters } from './scene.ts';
import type { PictureView } from './view.ts';

export const CLUSTERS: PictureView = {
  title: 'Groups',
  file: PICTURES.clusters,
  needs: { can: ['assign'], rows: 1 },
  async draw(scene, work) {
    const { asked, look, plot, isVector, place } = scene;
    const { shown } = scene.sitters as Sitters;
    const few = scene.few(MOST);
    const { count } = few;
    const groups = await groupsOf(asked.runtime, asked.model, shown, count, work);
    return {
      picture: clustersPicture({ ...groups, ...few }, look, plot),
      caption: isVector
        ? `${rowsText(count)}, ${place}, coloured by the likeliest of ${groups.size} groups.${scene.holes(few, 'coloured')}`
        : `A line a group, of ${rowsText(count)}: its mean, then its surest members.${scene.holes(few)}`,
      alt: 'Data by the group that the model sorts them into',
    };
  },
};
