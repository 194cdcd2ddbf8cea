export { CODES, codesPicture, inThePlane } from '../../pictures/codes.ts';
