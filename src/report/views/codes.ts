// Codes of data in the plane. Those of a bijection are as long as the data: see `noise.ts`.
import { take } from '../../data/parts.ts';
import { codesPicture, inThePlane, CODES as MOST } from '../../pictures/codes.ts';
import { thousands } from '../../text.ts';
import { PICTURES } from '../../training/run-files.ts';
import type { Sitters } from './scene.ts';
import type { PictureView } from './view.ts';

export const CODES: PictureView = {
  title: 'Codes',
  file: PICTURES.latent,
  needs: { can: ['code'], rows: 1, also: ({ can }) => !can.bijection && !can.decode?.isCoarse },
  async draw({ asked, can, sitters, plot }, work) {
    const { dataset, shown } = sitters as Sitters;
    const part = take(dataset, MOST);
    const { mean } = await asked.encode(shown, part.count, work);
    const size = can.code?.size ?? 0;
    const plane = inThePlane(mean, part.count, size);
    const axes =
      size > 2
        ? `in their first two principal components, which hold ${(100 * plane.share).toFixed(0)}% of their variance`
        : size === 2
          ? 'in the plane of the two latent dimensions'
          : 'along the one latent dimension';
    const colored = part.labels ? ', coloured by label' : '';
    return {
      picture: codesPicture(plane, size, part, plot),
      caption: `Codes of ${thousands(part.count)} rows ${axes}${colored}.`,
      alt: `Scatter plot of the codes of data${colored}`,
    };
  },
};
