/** One pinned command-line tool. */
export interface PinnedTool {
  readonly version: string;
  /** Go module whose root package is the tool; with its sums as in go.sum, so that a build is of exactly this source. */
  readonly module: string;
  readonly moduleSum: string;
  readonly goModSum: string;
  /** Official release file for a platform (`linux-x64` …). */
  readonly releaseUrl: (platform: string) => string | undefined;
  /**
   * SHA-256 of the release files by platform, from the publisher's `.sha256` or `checksums.txt`. A platform without one is never
   * downloaded: it is built from source, which the module sums pin.
   */
  readonly releaseSha256: Readonly<Record<string, string>>;
}

export type ToolName = "opa" | "regal";

const opaFiles: Readonly<Record<string, string>> = {
  "linux-x64": "opa_linux_amd64_static",
  "linux-arm64": "opa_linux_arm64_static",
  "darwin-x64": "opa_darwin_amd64",
  "darwin-arm64": "opa_darwin_arm64_static",
};

const regalFiles: Readonly<Record<string, string>> = {
  "linux-x64": "regal_Linux_x86_64",
  "linux-arm64": "regal_Linux_arm64",
  "darwin-x64": "regal_Darwin_x86_64",
  "darwin-arm64": "regal_Darwin_arm64",
};

/** The tools and their versions; nothing else decides what is run. */
export const pinnedTools: Readonly<Record<ToolName, PinnedTool>> = {
  opa: {
    version: "1.22.2",
    module: "github.com/open-policy-agent/opa",
    moduleSum: "h1:WzqReKk2VjcvBN/NQTlcIxKqFPKpzIdb6KYMHzPEbe0=",
    goModSum: "h1:yspbCEa/ZmNfyZTOpfCwf4lBD08E7CHMe26Ol1FHKRk=",
    releaseUrl: (platform) => releaseUrl("open-policy-agent/opa", "1.22.2", opaFiles[platform]),
    releaseSha256: {},
  },
  regal: {
    version: "0.42.0",
    module: "github.com/open-policy-agent/regal",
    moduleSum: "h1:G05bY17Cw8+eiv9ntODgEVSKqueNyEabUzwngoZLWvw=",
    goModSum: "h1:FOV8U/u0qwsZhXOHpKwiCQML3gK9dZNuXYA+09Fa4qc=",
    releaseUrl: (platform) => releaseUrl("open-policy-agent/regal", "0.42.0", regalFiles[platform]),
    releaseSha256: {},
  },
};

function releaseUrl(repository: string, version: string, file: string | undefined): string | undefined {
  return file === undefined ? undefined : `https://github.com/${repository}/releases/download/v${version}/${file}`;
}
