package crypt

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" // as the default of PBKDF2 in old files
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"hash"
)

// pbkdf2RoundsMax bounds the time that one key file can cost: some seconds.
const pbkdf2RoundsMax = 10_000_000

// The structures of RFC 5958 (EncryptedPrivateKeyInfo) and RFC 8018 (PBES2).
type (
	encryptedKeyInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params struct {
		KDF    pkix.AlgorithmIdentifier
		Cipher pkix.AlgorithmIdentifier
	}
	pbkdf2Params struct {
		Salt   []byte
		Rounds int
		KeyLen int                      `asn1:"optional"`
		PRF    pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

// errPassword is the same for a wrong password and damaged data, which a
// cipher without authentication does not tell apart.
var errPassword = errors.New("encrypted private key: wrong password or damaged file")

// parseEncryptedPKCS8 reads what `openssl pkcs8 -topk8` writes: PBES2 with
// PBKDF2 and AES-CBC. scrypt and the ciphers before AES are not supported.
func parseEncryptedPKCS8(der []byte, password string) (any, error) {
	var info encryptedKeyInfo
	var scheme pbes2Params
	if err := unmarshalAll(der, &info); err != nil {
		return nil, err
	}
	if info.Algorithm.Algorithm.String() != oidPBES2 {
		return nil, fmt.Errorf("encrypted private key: scheme %v, want PBES2", info.Algorithm.Algorithm)
	}
	if err := unmarshalAll(info.Algorithm.Parameters.FullBytes, &scheme); err != nil {
		return nil, err
	}
	key, err := deriveKey(scheme, password)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	plain, err := decryptCBC(scheme.Cipher, key, info.Data)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	k, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errPassword
	}
	return k, nil
}

func unmarshalAll(der []byte, into any) error {
	rest, err := asn1.Unmarshal(der, into)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes behind the end", len(rest))
	}
	if err != nil {
		return fmt.Errorf("encrypted private key: %w", err)
	}
	return nil
}

// deriveKey returns the key that the scheme's cipher wants.
func deriveKey(scheme pbes2Params, password string) ([]byte, error) {
	keyLen, err := cipherKeyLen(scheme.Cipher)
	if err != nil {
		return nil, err
	}
	if scheme.KDF.Algorithm.String() != oidPBKDF2 {
		return nil, fmt.Errorf("encrypted private key: key derivation %v, want PBKDF2", scheme.KDF.Algorithm)
	}
	var p pbkdf2Params
	if err := unmarshalAll(scheme.KDF.Parameters.FullBytes, &p); err != nil {
		return nil, err
	}
	prf, err := prfOf(p.PRF)
	if err != nil {
		return nil, err
	}
	if p.Rounds < 1 || p.Rounds > pbkdf2RoundsMax || p.KeyLen != 0 && p.KeyLen != keyLen {
		return nil, fmt.Errorf("encrypted private key: %d rounds, key of %d bytes", p.Rounds, p.KeyLen)
	}
	return pbkdf2.Key(prf, password, p.Salt, p.Rounds, keyLen)
}

func prfOf(id pkix.AlgorithmIdentifier) (func() hash.Hash, error) {
	switch oid := id.Algorithm.String(); oid {
	case "", "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.9":
		return sha256.New, nil
	case "1.2.840.113549.2.10":
		return sha512.New384, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	default:
		return nil, fmt.Errorf("encrypted private key: unknown hash %s", oid)
	}
}

func cipherKeyLen(id pkix.AlgorithmIdentifier) (int, error) {
	switch oid := id.Algorithm.String(); oid {
	case "2.16.840.1.101.3.4.1.2":
		return 16, nil
	case "2.16.840.1.101.3.4.1.22":
		return 24, nil
	case "2.16.840.1.101.3.4.1.42":
		return 32, nil
	default:
		return 0, fmt.Errorf("encrypted private key: unknown cipher %s, want AES-CBC", oid)
	}
}

// decryptCBC also removes the padding of RFC 8018, 6.1.1.
func decryptCBC(id pkix.AlgorithmIdentifier, key, data []byte) ([]byte, error) {
	var iv []byte
	if err := unmarshalAll(id.Parameters.FullBytes, &iv); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	if len(iv) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errPassword
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > aes.BlockSize || pad > len(plain) {
		return nil, errPassword
	}
	return plain[:len(plain)-pad], nil
}
