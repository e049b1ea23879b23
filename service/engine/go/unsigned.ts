import { Buffer } from "node:buffer";

/** The big-endian bytes of a number that is not negative, as few as it needs; zero is one byte. */
export function unsignedBytes(value: bigint): Buffer {
  const digits = value.toString(16);
  return Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
}

/** The number of big-endian bytes; none are zero. */
export function unsigned(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${bytes.toString("hex")}`);
}
