// The browser is found on the machine (src/device/find), never downloaded during `npm install`.
module.exports = { skipDownload: true };
