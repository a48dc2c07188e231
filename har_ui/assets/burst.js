// Takes bursts of photos with the browser's camera and hands them to the app as JPEGs: no stream, and so no way through
// a network to be found. The app calls the function below whenever it draws the page anew.

const SIDE = 640;
const QUALITY = 0.92;

class Burst {
  constructor(root) {
    this.video = root.querySelector("video");
    this.idle = root.querySelector(".idle");
    this.count = root.querySelector(".count");
    this.record = root.querySelector(".record");
    this.camera = root.querySelector(".camera");
    this.said = root.querySelector(".said");
    this.strip = root.querySelector(".strip");
    this.isRecording = false;
    this.camera.onclick = () => (this.stream ? this.end() : this.start());
    this.record.onclick = () => (this.isRecording ? (this.isRecording = false) : this.take());
  }

  update(data, tell, send) {
    Object.assign(this, { data, tell, send });
    this.draw();
  }

  draw() {
    this.idle.hidden = Boolean(this.stream);
    this.camera.textContent = this.stream ? "Stop the camera" : "Start the camera";
    this.camera.classList.toggle("main", !this.stream);
    this.record.hidden = !this.stream;
    this.record.classList.add("main");
    this.record.textContent = this.isRecording ? "Stop recording" : `Record ${this.data.photos} photos`;
  }

  async start() {
    try {
      if (!navigator.mediaDevices) throw new DOMException("", "InsecureError");
      this.stream = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: SIDE }, height: { ideal: 480 } },
        audio: false,
      });
      for (const track of this.stream.getTracks()) track.onended = () => this.fail("NotReadableError");
      this.video.srcObject = this.stream;
      await this.video.play();
      this.tell(null);
      this.draw();
      this.record.focus();
    } catch (error) {
      this.fail(error.name);
    }
  }

  fail(name) {
    this.end();
    this.tell(`${name} ${Date.now()}`); // Once more the same, and it is said once more.
  }

  end() {
    this.isRecording = false;
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.stream = this.video.srcObject = null;
    this.count.textContent = "";
    this.draw();
  }

  async take() {
    const { action, photos, seconds } = this.data; // Those of this moment: the page may be drawn anew meanwhile.
    const taken = [];
    this.isRecording = true;
    this.strip.replaceChildren();
    this.draw();
    for (let left = 3; left && this.isRecording; left--) {
      this.count.textContent = left;
      this.said.textContent = `Get ready: ${action}. ${left} …`;
      await pause(1000);
    }
    this.count.textContent = "";
    while (this.isRecording && taken.length < photos) {
      taken.push(this.photo());
      const thumbnail = document.createElement("img");
      thumbnail.src = taken.at(-1);
      this.strip.append(thumbnail);
      // Few words for those who listen: not each photo is told.
      if (taken.length % 5 === 0) this.said.textContent = `${taken.length} of ${photos}`;
      await pause((1000 * seconds) / photos);
    }
    this.isRecording = false;
    this.said.textContent = taken.length ? `${taken.length} photos taken.` : "";
    this.draw();
    if (taken.length) this.send({ action, photos: taken.map((address) => address.split(",")[1]) });
  }

  photo() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/jpeg", QUALITY);
  }
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const known = new WeakMap();

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".burst");
  if (!known.has(root)) known.set(root, new Burst(root));
  known.get(root).update(
    data,
    (failure) => setStateValue("failure", failure),
    (burst) => setTriggerValue("burst", burst),
  );
  return () => known.get(root).end();
}
