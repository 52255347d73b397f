// A web site of somebody else. By the name 127.0.0.1 it is another origin of the same site, so the
// browser sends our cookie; by the name localhost it is another site.
import { createServer } from "node:http";

export class Stranger {
  static async start() {
    const stranger = new Stranger();
    stranger.server = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(stranger.page);
    });
    await new Promise((done) => stranger.server.listen(0, "127.0.0.1", done));
    stranger.port = stranger.server.address().port;
    return stranger;
  }

  show(page) {
    this.page = `<!DOCTYPE html><title>Stranger</title>${page}`;
  }

  url(host = "127.0.0.1") {
    return `http://${host}:${this.port}/`;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
