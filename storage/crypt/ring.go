package crypt

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// A Config says which certificates objects are sealed for and where the keys
// to open them are. Retired keys just stay in the folder.
type Config struct {
	// Active are the thumbprints, SHA-1 or SHA-256, of the certificates to
	// seal for. Spaces, colons and the invisible marks that Windows' dialogue
	// copies along do not matter. Without any, nothing can be sealed.
	Active []string
	// Folder of certificates and private keys, see OpenFolder; "" for none.
	Folder string
	// FolderOptions for it.
	FolderOptions
	// AllowExpired seals for certificates out of their time. Opening does not
	// ask.
	AllowExpired bool
	// More key stores, asked after the folder.
	More []Keys
}

// A Ring holds the recipients of new objects and the keys to open old ones.
// It is safe for concurrent use.
type Ring struct {
	to     []*Recipient
	keys   Keys
	folder *Folder // nil if there is none
}

var _ Keys = (*Ring)(nil)

// NewRing reads the key store. It fails if an active thumbprint is malformed
// or has no certificate; call Validate before relying on it.
func NewRing(c Config) (*Ring, error) {
	r := &Ring{}
	stores := c.More
	if c.Folder != "" {
		f, err := OpenFolder(c.Folder, c.FolderOptions)
		if err != nil {
			return nil, err
		}
		r.folder, stores = f, append([]Keys{f}, c.More...)
	}
	r.keys = Chain(stores...)
	for _, text := range c.Active {
		to, err := r.recipient(text)
		if err != nil {
			return nil, err
		}
		to.AllowExpired = c.AllowExpired
		r.to = append(r.to, to)
	}
	return r, nil
}

// recipient finds the certificate of a thumbprint as people write it.
func (r *Ring) recipient(text string) (*Recipient, error) {
	thumbprint, err := parseThumbprint(text)
	if err != nil {
		return nil, err
	}
	if r.folder == nil {
		return nil, fmt.Errorf("active certificate %s: no key folder is set", thumbprint)
	}
	cert := r.folder.Certificate(thumbprint)
	if cert == nil {
		return nil, fmt.Errorf("active certificate %s: not in the key folder %s%s", thumbprint, r.folder.path, r.folder.hint())
	}
	return NewRecipient(cert)
}

// parseThumbprint returns lower-case hexadecimal digits.
func parseThumbprint(text string) (string, error) {
	digits := strings.Map(func(c rune) rune {
		if c == ':' || unicode.IsSpace(c) || unicode.Is(unicode.Cf, c) {
			return -1
		}
		return unicode.ToLower(c)
	}, text)
	if !isThumbprint(digits, 40) && !isThumbprint(digits, 64) {
		return "", fmt.Errorf("thumbprint %.100q: want 40 (SHA-1) or 64 (SHA-256) hexadecimal digits", text)
	}
	return digits, nil
}

// Recipients returns whom new objects are sealed for.
func (r *Ring) Recipients() []*Recipient { return append([]*Recipient(nil), r.to...) }

// Find implements [Keys].
func (r *Ring) Find(x5tS256, x5t string) (Unwrapper, error) { return r.keys.Find(x5tS256, x5t) }

// Problems returns what is wrong with the files of the key folder.
func (r *Ring) Problems() []KeyProblem {
	if r.folder == nil {
		return nil
	}
	return r.folder.Problems()
}

// Validate seals a probe for each recipient alone and opens it, so that a
// wrong thumbprint, an expired certificate or a key that does not fit shows
// when it is configured and not when data is lost. Recipients whose private
// key is elsewhere are fine as long as the key of one is here.
func (r *Ring) Validate() error {
	if len(r.to) == 0 {
		return nil
	}
	opened := 0
	var missing error
	for _, to := range r.to {
		switch err := r.probe(to); {
		case err == nil:
			opened++
		case errors.Is(err, ErrNoKey):
			missing = errors.Join(missing, err)
		default:
			return fmt.Errorf("probe of certificate %s: %w", to.x5t, err)
		}
	}
	if opened == 0 {
		return fmt.Errorf("what is sealed here could not be opened here: %w", missing)
	}
	return nil
}

func (r *Ring) probe(to *Recipient) error {
	plain := []byte(rand.Text())
	blob, err := SealBlob("probe", to.x5t, plain, []*Recipient{to}, Options{Workers: 1})
	if err != nil {
		return err
	}
	got, err := OpenBlob(blob, "probe", to.x5t, r)
	if err == nil && !bytes.Equal(got, plain) {
		err = errors.New("another text came back")
	}
	return err
}
