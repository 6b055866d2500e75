package crypt

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"software.sslmate.com/src/go-pkcs12"
)

const (
	keyFileMax  = 1 << 20 // bytes of one file
	keyFilesMax = 4096    // files of one folder
)

// A KeyProblem says why a file of a key folder is not, or not fully, used.
type KeyProblem struct {
	File string
	Err  error
	// Warning: the key is used nevertheless.
	Warning bool
}

func (p KeyProblem) Error() string { return fmt.Sprintf("key store: %s: %v", p.File, p.Err) }

// Unwrap returns the reason.
func (p KeyProblem) Unwrap() error { return p.Err }

// FolderOptions say how a folder of keys is read. The zero value is good.
type FolderOptions struct {
	// Password returns the password of an encrypted file. Where it is nil or
	// returns "", the first line of the file `<name>.password` beside
	// `<name>` is used, else the empty password.
	Password func(file string) (string, error)
	// AllowReadable uses private keys that everybody on the machine may
	// read, with a warning; else such keys are refused.
	AllowReadable bool
}

// A Folder is a key store of files. It is read once, by OpenFolder, and safe
// for concurrent use.
type Folder struct {
	path     string
	certs    map[string]*x509.Certificate // by SHA-256 thumbprint
	keys     map[string]*rsa.PrivateKey   // likewise
	sha256Of map[string]string            // SHA-1 thumbprint → SHA-256
	problems []KeyProblem
}

var _ Keys = (*Folder)(nil)

// OpenFolder reads the certificates and private keys of a folder, without its
// subfolders:
//
//   - .pem .crt .cer .key: PEM with any number of CERTIFICATE, PRIVATE KEY
//     (PKCS#8), ENCRYPTED PRIVATE KEY (PBES2) and RSA PRIVATE KEY (PKCS#1)
//     blocks; .crt and .cer also DER;
//   - .p12 .pfx: PKCS#12.
//
// A key belongs to every certificate of the folder with its public key, in
// whatever file. Files that cannot be used do not stop the others: Problems
// tells them. The error is about the folder itself.
//
// Private keys that everybody may read (mode o+r) are refused, those that the
// group may read draw a warning; Windows has no such modes and no check.
func OpenFolder(path string, o FolderOptions) (*Folder, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("key store: %w", err)
	}
	if len(entries) > keyFilesMax {
		return nil, fmt.Errorf("key store: %s: %d files, at most %d", path, len(entries), keyFilesMax)
	}
	r := folderReader{options: o}
	for _, entry := range entries {
		if !entry.IsDir() {
			r.file(filepath.Join(path, entry.Name()))
		}
	}
	return r.folder(path), nil
}

// Find implements [Keys]. A SHA-1 thumbprint counts only where the SHA-256
// one is empty or unknown.
func (f *Folder) Find(x5tS256, x5t string) (Unwrapper, error) {
	id, known := x5tS256, f.certs[x5tS256] != nil
	if !known {
		id, known = f.sha256Of[x5t], f.sha256Of[x5t] != ""
	}
	if key := f.keys[id]; key != nil {
		return rsaKey{key}, nil
	}
	if !known {
		return nil, ErrNoKey
	}
	return nil, fmt.Errorf("key store: %s: certificate %s is there without its private key%s", f.path, x5t, f.hint())
}

// hint lists the files that may hold the key but are not used.
func (f *Folder) hint() string {
	var b strings.Builder
	for _, p := range f.problems {
		if !p.Warning {
			fmt.Fprintf(&b, "; %s: %v", filepath.Base(p.File), p.Err)
		}
	}
	return b.String()
}

// Certificate returns the certificate of a SHA-1 or SHA-256 thumbprint, or nil.
func (f *Folder) Certificate(thumbprint string) *x509.Certificate {
	if id, ok := f.sha256Of[thumbprint]; ok {
		thumbprint = id
	}
	return f.certs[thumbprint]
}

// Thumbprints returns the SHA-1 thumbprints of all certificates whose private
// key is there, sorted.
func (f *Folder) Thumbprints() []string {
	var list []string
	for x5t, id := range f.sha256Of {
		if f.keys[id] != nil {
			list = append(list, x5t)
		}
	}
	slices.Sort(list)
	return list
}

// Problems returns what is wrong with the files of the folder.
func (f *Folder) Problems() []KeyProblem { return f.problems }

// A folderReader collects what the files hold, before keys and certificates
// are brought together.
type folderReader struct {
	options  FolderOptions
	certs    []*x509.Certificate
	keys     []*rsa.PrivateKey
	problems []KeyProblem
}

func (r *folderReader) problem(file string, err error) {
	r.problems = append(r.problems, KeyProblem{File: file, Err: err})
}

// file reads one file, if its name is one of a certificate or key.
func (r *folderReader) file(path string) {
	ext := strings.ToLower(filepath.Ext(path))
	switch ext {
	case ".pem", ".crt", ".cer", ".key", ".p12", ".pfx":
	default:
		return
	}
	data, mode, err := readKeyFile(path)
	if err != nil {
		r.problem(path, err)
		return
	}
	defer clear(data)
	keysBefore := len(r.keys)
	switch {
	case ext == ".p12" || ext == ".pfx":
		r.pkcs12(path, data)
	case bytes.Contains(data, []byte("-----BEGIN ")):
		r.pem(path, data)
	case ext == ".crt" || ext == ".cer":
		r.certificate(path, data)
	default:
		r.problem(path, errors.New("no PEM block"))
	}
	if len(r.keys) > keysBefore {
		r.checkMode(path, mode, keysBefore)
	}
}

// readKeyFile reads a regular file of bounded size.
func readKeyFile(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > keyFileMax {
		return nil, 0, fmt.Errorf("want a regular file of at most %d bytes", keyFileMax)
	}
	data, err := io.ReadAll(io.LimitReader(f, keyFileMax))
	return data, info.Mode(), err
}

// checkMode drops the keys from index lo on, if everybody may read their file.
func (r *folderReader) checkMode(path string, mode fs.FileMode, lo int) {
	if runtime.GOOS == "windows" || mode.Perm()&0o077 == 0 {
		return
	}
	p := KeyProblem{File: path, Warning: true}
	if mode.Perm()&0o007 == 0 {
		p.Err = fmt.Errorf("private key: the group has access (mode %#o); use mode 0600", mode.Perm())
	} else {
		p.Warning = r.options.AllowReadable
		p.Err = fmt.Errorf("private key: everybody has access (mode %#o); use mode 0600", mode.Perm())
	}
	if !p.Warning {
		r.keys = r.keys[:lo]
	}
	r.problems = append(r.problems, p)
}

func (r *folderReader) certificate(path string, der []byte) {
	cert, err := x509.ParseCertificate(bytes.Clone(der)) // which keeps the bytes, while file wipes its own
	if err != nil {
		r.problem(path, err)
		return
	}
	r.certs = append(r.certs, cert)
}

func (r *folderReader) pem(path string, data []byte) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return
		}
		if block.Type == "CERTIFICATE" {
			r.certificate(path, block.Bytes)
			continue
		}
		key, err := r.parsePEMKey(path, block)
		if err != nil {
			r.problem(path, err)
			continue
		}
		r.key(path, key)
	}
}

// parsePEMKey returns a private key of any algorithm.
func (r *folderReader) parsePEMKey(path string, block *pem.Block) (any, error) {
	switch {
	case block.Headers["DEK-Info"] != "":
		return nil, errors.New("private key: the old encryption of OpenSSL is not safe; convert it with `openssl pkcs8 -topk8`")
	case block.Type == "PRIVATE KEY":
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case block.Type == "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case block.Type == "ENCRYPTED PRIVATE KEY":
		password, err := r.password(path)
		if err != nil {
			return nil, err
		}
		return parseEncryptedPKCS8(block.Bytes, password)
	default:
		return nil, fmt.Errorf("PEM block %.40q is neither certificate nor private key", block.Type)
	}
}

func (r *folderReader) pkcs12(path string, data []byte) {
	password, err := r.password(path)
	if err != nil {
		r.problem(path, err)
		return
	}
	key, cert, chain, err := pkcs12.DecodeChain(data, password)
	if err != nil {
		r.problem(path, err)
		return
	}
	r.certs = append(append(r.certs, cert), chain...)
	r.key(path, key)
}

func (r *folderReader) key(path string, key any) {
	k, ok := key.(*rsa.PrivateKey)
	switch {
	case !ok:
		r.problem(path, fmt.Errorf("private key: %T, want RSA", key))
	case k.N.BitLen() < rsaBitsMin || k.N.BitLen() > rsaBitsMax:
		r.problem(path, fmt.Errorf("private key: %d bits, want %d to %d", k.N.BitLen(), rsaBitsMin, rsaBitsMax))
	default:
		r.keys = append(r.keys, k)
	}
}

// password returns the password of an encrypted file, see FolderOptions.
func (r *folderReader) password(path string) (string, error) {
	if r.options.Password != nil {
		p, err := r.options.Password(path)
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		if p != "" {
			return p, nil
		}
	}
	beside := path + ".password"
	data, mode, err := readKeyFile(beside)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("password: %w", err)
	}
	if runtime.GOOS != "windows" && mode.Perm()&0o007 != 0 && !r.options.AllowReadable {
		return "", fmt.Errorf("password: everybody has access to %s (mode %#o); use mode 0600", beside, mode.Perm())
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// folder brings keys and certificates together.
func (r *folderReader) folder(path string) *Folder {
	f := &Folder{
		path:     path,
		certs:    make(map[string]*x509.Certificate),
		keys:     make(map[string]*rsa.PrivateKey),
		sha256Of: make(map[string]string),
		problems: r.problems,
	}
	for _, cert := range r.certs {
		x5t, id := Thumbprints(cert)
		f.certs[id], f.sha256Of[x5t] = cert, id
		for _, key := range r.keys {
			if key.PublicKey.Equal(cert.PublicKey) {
				f.keys[id] = key
			}
		}
	}
	return f
}
