/** A NIST curve that Go has (RFC 5480); what is done with it costs so many units of fuel. */
export interface Curve {
  readonly oid: string;
  /** The same as a whole element of DER. */
  readonly der: Buffer;
  /** OpenSSL's name. */
  readonly name: string;
  /** The name in JSON Web Keys, if it has one. */
  readonly jwk: string | undefined;
  /** Bytes of a coordinate. */
  readonly size: number;
  /** To check a signature with a key that has been read. */
  readonly verifyUnits: number;
  /** To sign, or to make the public half of a key. */
  readonly signUnits: number;
}

/** All curves that Go has. */
export const curves: readonly Curve[] = (
  [
    ["1.3.132.0.33", "06052b81040021", "secp224r1", undefined, 28, 31_000, 38_000],
    ["1.2.840.10045.3.1.7", "06082a8648ce3d030107", "prime256v1", "P-256", 32, 9_000, 5_000],
    ["1.3.132.0.34", "06052b81040022", "secp384r1", "P-384", 48, 72_000, 92_000],
    ["1.3.132.0.35", "06052b81040023", "secp521r1", "P-521", 66, 160_000, 210_000],
  ] as const
).map(([oid, der, name, jwk, size, verifyUnits, signUnits]) => ({
  oid,
  der: Buffer.from(der, "hex"),
  name,
  jwk,
  size,
  verifyUnits,
  signUnits,
}));

/** Units to read a public key, checking that its point is on the curve included. */
export const keyUnits = 20_000;
