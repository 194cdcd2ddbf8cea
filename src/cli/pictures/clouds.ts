export { CLOUD, cloudPicture } from '../../pictures/clouds.ts';
