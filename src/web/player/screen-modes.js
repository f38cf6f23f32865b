// Full screen and picture in picture; both reject where the browser refuses them.

/** @param {Element} stage @param {HTMLVideoElement} video */
export async function toggleFullscreen(stage, video) {
  if (document.fullscreenElement !== null) await document.exitFullscreen();
  else if (stage.requestFullscreen !== undefined) await stage.requestFullscreen();
  // iPhones can only show the video element itself full screen.
  else Reflect.get(video, 'webkitEnterFullscreen')?.call(video);
}

/** @param {HTMLVideoElement} video */
export async function togglePictureInPicture(video) {
  if (document.pictureInPictureElement !== null) await document.exitPictureInPicture();
  else await video.requestPictureInPicture();
}
