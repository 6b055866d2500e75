package site

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/cognate-bi/cognate/services/proxy/auth"
	"github.com/cognate-bi/cognate/services/proxy/session"
)

// LocalDirectory is the user directory of accounts with a password here.
const LocalDirectory = "LOCAL"

// An Accounts is the users with a password of this site, as argon2id hashes in
// a file that its owner alone can read. Any number of goroutines may use it.
type Accounts struct {
	path string
	mu   sync.Mutex
}

var _ auth.LocalUsers = (*Accounts)(nil)

// NewAccounts returns the accounts of a file, which need not be there.
func NewAccounts(path string) *Accounts { return &Accounts{path: path} }

// read returns the hashes by the names of users, in lower case.
func (a *Accounts) read() (map[string]string, error) {
	text, err := os.ReadFile(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	hashes := map[string]string{}
	if err := json.Unmarshal(text, &hashes); err != nil {
		return nil, fmt.Errorf("accounts: %s: %w", a.path, err)
	}
	return hashes, nil
}

// Password implements [auth.LocalUsers].
func (a *Accounts) Password(_ context.Context, directory, id string) (session.User, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hashes, err := a.read()
	if err != nil {
		return session.User{}, "", err
	}
	hash := hashes[strings.ToLower(id)]
	if hash == "" || !strings.EqualFold(directory, LocalDirectory) {
		return session.User{}, "", auth.ErrNoUser
	}
	return session.User{Directory: LocalDirectory, ID: strings.ToLower(id)}, hash, nil
}

// Empty reports whether nobody has a password.
func (a *Accounts) Empty() (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	hashes, err := a.read()
	return len(hashes) == 0, err
}

// Reset gives a user a new password, which it returns: nobody can read it again.
func (a *Accounts) Reset(id string) (password string, err error) {
	if id = strings.ToLower(strings.TrimSpace(id)); id == "" || strings.HasPrefix(id, "sa_") || strings.ContainsAny(id, "\\;= \t\n") {
		return "", fmt.Errorf("accounts: %q is no name of a user", id)
	}
	random := make([]byte, 15)
	_, _ = rand.Read(random) // never fails
	password = strings.ToLower(base32.StdEncoding.EncodeToString(random))
	hash, err := auth.HashPassword(password, rand.Reader)
	if err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	hashes, err := a.read()
	if err != nil {
		return "", err
	}
	hashes[id] = hash
	return password, a.write(hashes)
}

// write replaces the file as a whole.
func (a *Accounts) write(hashes map[string]string) error {
	text, err := json.MarshalIndent(hashes, "", "  ")
	if err != nil {
		return err
	}
	if err := replaceFile(a.path, text); err != nil {
		return fmt.Errorf("accounts: %w", err)
	}
	return nil
}
