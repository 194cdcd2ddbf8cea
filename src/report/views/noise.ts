// What a bijection of the plane makes of data, which is noise if it describes them well.
import { take } from '../../data/parts.ts';
import { CLOUD } from '../../pictures/clouds.ts';
import { codesPicture } from '../../pictures/codes.ts';
import { thousands } from '../../text.ts';
import type { Sitters } from './scene.ts';
import type { PictureView } from './view.ts';

export const NOISE: PictureView = {
  title: 'Noise',
  needs: { can: ['bijection', 'code'], shape: 'plane', rows: 1 },
  async draw({ asked, sitters, plot }, work) {
    const { dataset, shown } = sitters as Sitters;
    const part = take(dataset, CLOUD);
    const { mean } = await asked.encode(shown, part.count, work);
    const colored = part.labels ? ', coloured by label' : '';
    return {
      picture: codesPicture({ points: mean, share: 1 }, 2, part, plot),
      caption: `What the flow makes of ${thousands(part.count)} rows${colored}: distributed as its noise is, if it describes them well.`,
      alt: `Scatter plot of the noise that stands for data${colored}`,
    };
  },
};
