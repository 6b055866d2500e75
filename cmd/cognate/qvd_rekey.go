package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// qvdRekeyCmd gives sealed files to other certificates.
type qvdRekeyCmd struct {
	keyFlags
	Files        []string `arg:"" help:"Sealed QVD files." name:"file"`
	To           []string `help:"Thumbprint of a certificate that can open the files from now on. Can be repeated." required:"" placeholder:"THUMBPRINT"`
	AllowExpired bool     `help:"Seal for certificates out of their time, too."`
}

// Help is shown with the flags.
func (c *qvdRekeyCmd) Help() string {
	return `Writes the headers anew; the sealed data stay as they are. The folder needs a
private key that opens the files now, the certificates of --to, and the private
key of one of these.

Where a key has leaked, this is not enough: who has it can keep what it opened.
Seal such files anew: cognate qvd convert FILE FILE --seal-for THUMBPRINT

Example:
  cognate qvd rekey --keys ./keys --to 3f2a… data/*.qvd`
}

// Run rekeys all files; a file that fails does not stop the others.
func (c *qvdRekeyCmd) Run(ctx context.Context, log *slog.Logger) error {
	ring, err := c.ring(c.To, c.AllowExpired, log)
	if err != nil {
		return err
	}
	to := thumbprints(ring.Recipients())
	var failed []error
	for _, path := range c.Files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.rekey(path, ring); err != nil {
			failed = append(failed, explain(path, err, &c.keyFlags))
			continue
		}
		fmt.Printf("%s: sealed for %s\n", path, to)
	}
	return errors.Join(failed...)
}

func (c *qvdRekeyCmd) rekey(path string, ring *crypt.Ring) error {
	f, err := qvd.Open(path, qvd.OpenOptions{})
	if err != nil {
		return err
	}
	sealed := f.Encrypted()
	if err := f.Close(); err != nil {
		return err
	}
	if !sealed {
		return fmt.Errorf("%s is not sealed; to seal it: cognate qvd convert %s %s --seal-for %s", path, path, path, c.To[0])
	}
	return qvd.Rekey(path, path, ring, ring.Recipients())
}

// thumbprints names recipients.
func thumbprints(to []*crypt.Recipient) string {
	names := make([]string, len(to))
	for i, r := range to {
		names[i] = r.X5T()
	}
	return strings.Join(names, ", ")
}
