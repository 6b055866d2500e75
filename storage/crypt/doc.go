// Package crypt seals the bodies of files for the holders of certificates:
// the envelope "oae1".
//
// Terms: the clear part is what everybody may read of an object (the header
// of a QVD, the kind and name of a stream), the body is what is sealed. A
// data encryption key (DEK) is drawn for each object and each save, and
// wrapped for the RSA key of every recipient, whom the thumbprint of a
// certificate names. With b64 = base64url without padding, || =
// concatenation, HKDF = HKDF-SHA-256 of 32 bytes:
//
//	dek   32 random bytes; salt: 32 random bytes; np: 7 random bytes
//	core  "v=1;alg=A256GCM-STREAM;chunk=<dec>;len=<dec>;salt=<b64>;np=<b64>"
//	hb    SHA-256(clear || 0x00 || core)
//	kb    HKDF(ikm dek, salt, info "oae1 body" || 0x00 || hb)
//	km    HKDF(ikm dek, salt, info "oae1 mac")
//	rcp   per recipient "RSA-OAEP-256;<SHA-1 hex>;<SHA-256 hex>;<b64 wrapped dek>"
//	mac   HMAC-SHA-256(km, hb || SHA-256(rcp joined by "\n"))
//
// The body is cut into n = max(1, ceil(len/chunk)) chunks, each AES-256-GCM
// under kb with the nonce np || u32 big-endian i || (1 if last else 0), no
// additional data:
//
//	+---------------------+--------+---------------------+--------+-----
//	| chunk 0, ciphertext | tag 16 | chunk 1, ciphertext | tag 16 | ...
//	+---------------------+--------+---------------------+--------+-----
//
// The counter and the last flag make removed, swapped, cut and appended
// chunks fail, hb binds every chunk to the clear part, and mac commits to the
// DEK, so no object opens to two bodies for two recipients.
//
// In a QVD, core, rcp and mac are the text of the header's EncryptionInfo
// ([EncodeParams]); everything else carries them in its own head ([SealBlob]).
// What the envelope does not say is who sealed: anybody who has a certificate
// can seal for its owner.
//
// The key store ([Keys]) finds private keys by thumbprint; [OpenFolder] reads
// PEM and PKCS#12 files, a PKCS#11 token or a KMS is another implementation.
//
// Sealing chooses GCM's nonces itself, which Go refuses under
// GODEBUG=fips140=only.
package crypt
