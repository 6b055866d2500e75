package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cognate-bi/cognate/storage/crypt"
)

// keyFlags say where the keys of sealed files are.
type keyFlags struct {
	Keys string `help:"Folder of certificates and private keys (PEM, PKCS#12), for sealed files." env:"COGNATE_KEYS" placeholder:"FOLDER"`
}

// sealFlags say whom new files are sealed for.
type sealFlags struct {
	keyFlags
	SealFor      []string `help:"Thumbprint of a certificate, SHA-1 or SHA-256, to seal for. Can be repeated." env:"COGNATE_SEAL_FOR" placeholder:"THUMBPRINT"`
	AllowExpired bool     `help:"Seal for certificates out of their time, too."`
}

// open returns the keys that open sealed files, nil where no folder is named.
func (f *keyFlags) open(log *slog.Logger) (crypt.Keys, error) {
	if f.Keys == "" {
		return nil, nil
	}
	return f.ring(nil, false, log)
}

// ring returns the keys and the recipients of the certificates with the given
// thumbprints. That what is sealed for them can be opened again is tried out:
// a wrong thumbprint shows now, not when the data are gone.
func (f *keyFlags) ring(active []string, allowExpired bool, log *slog.Logger) (*crypt.Ring, error) {
	if f.Keys == "" {
		return nil, errors.New("no folder of keys: name it by --keys FOLDER or in COGNATE_KEYS")
	}
	r, err := crypt.NewRing(crypt.Config{Active: active, Folder: f.Keys, AllowExpired: allowExpired})
	if err != nil {
		return nil, err
	}
	for _, p := range r.Problems() {
		log.Warn("a file of keys is not fully used", "file", p.File, "reason", p.Err)
	}
	if err := r.Validate(); err != nil {
		return nil, err
	}
	return r, nil
}

// hint adds to an error about a missing key what to do about it.
func (f *keyFlags) hint(err error) error {
	switch {
	case !errors.Is(err, crypt.ErrNoKey):
		return err
	case f.Keys == "":
		return fmt.Errorf("%w; name the folder that has the private key by --keys FOLDER or in COGNATE_KEYS", err)
	}
	return fmt.Errorf("%w; %s has no private key of them", err, f.Keys)
}
