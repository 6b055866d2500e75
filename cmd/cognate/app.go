package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/cognate-bi/cognate/engine/app"
	"github.com/cognate-bi/cognate/engine/folder"
	"github.com/cognate-bi/cognate/engine/number"
	"github.com/cognate-bi/cognate/qvf"
	"github.com/cognate-bi/cognate/qvf/container"
)

// appCmd are the commands on app files.
type appCmd struct {
	Info    appInfoCmd    `cmd:"" help:"Show what an app holds."`
	Cat     appCatCmd     `cmd:"" help:"Write the rows of a table as CSV, TSV or JSON Lines."`
	Verify  appVerifyCmd  `cmd:"" help:"Read files as a whole and say whether they are sound."`
	Extract appExtractCmd `cmd:"" help:"Write the streams of a file, unwrapped, into a folder."`
	Import  appImportCmd  `cmd:"" help:"Take files, of the original product or ours, into the folder of apps."`
	Export  appExportCmd  `cmd:"" help:"Write an app into a file to carry away."`
	Rekey   appRekeyCmd   `cmd:"" help:"Give sealed apps to other certificates without sealing their data again."`
	Unpack  appUnpackCmd  `cmd:"" help:"Turn an app into a folder of readable files, for version control."`
	Pack    appPackCmd    `cmd:"" help:"Make an app of such a folder."`
}

// Help is shown with the commands.
func (c *appCmd) Help() string {
	return `Examples:
  cognate app info Sales.qvf
  cognate app import Sales.qvf --apps ./apps
  cognate app unpack Sales.qvf ./sales`
}

// appFile is the one app file of most commands.
type appFile struct {
	keyFlags
	File string `arg:"" help:"App file (.qvf)." type:"existingfile"`
}

// openFile opens the container alone.
func (f *appFile) openFile(log *slog.Logger) (*qvf.File, error) {
	keys, err := f.open(log)
	if err != nil {
		return nil, err
	}
	file, err := qvf.OpenFile(f.File, qvf.OpenOptions{Keys: keys})
	if errors.Is(err, container.ErrNotContainer) {
		return nil, fmt.Errorf("%w; if it is a table, cognate qvd info shows it", err)
	}
	return file, err
}

// openApp opens the app with its data linked.
func (f *appFile) openApp(log *slog.Logger) (*app.App, error) {
	o := app.Options{Log: log}
	if f.Keys != "" {
		ring, err := f.ring(nil, false, log)
		if err != nil {
			return nil, err
		}
		o.Keys = ring
	}
	lib, err := app.NewLibrary(o)
	if err != nil {
		return nil, err
	}
	a, err := lib.OpenFile(strings.TrimSuffix(filepath.Base(f.File), filepath.Ext(f.File)), f.File)
	if err != nil {
		return nil, f.hint(err)
	}
	return a, nil
}

// appVerifyCmd checks whole files.
type appVerifyCmd struct {
	keyFlags
	Files []string `arg:"" help:"App files." name:"file" type:"existingfile"`
}

// Run verifies all files; the error says how many are bad.
func (c *appVerifyCmd) Run(ctx context.Context, log *slog.Logger) error {
	keys, err := c.open(log)
	if err != nil {
		return err
	}
	bad := 0
	for _, path := range c.Files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := verifyApp(path, qvf.OpenOptions{Keys: keys})
		if err != nil {
			bad++
			fmt.Printf("%s: BAD: %v\n", path, c.hint(err))
			continue
		}
		fmt.Printf("%s: ok, %d streams\n", path, n)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files are bad", bad, len(c.Files))
	}
	return nil
}

// verifyApp reads everything of a file. Of foreign files, which have no
// checksums, that everything can be read is all that can be said.
func verifyApp(path string, o qvf.OpenOptions) (streams int, err error) {
	f, err := qvf.OpenFile(path, o)
	if err != nil {
		return 0, err
	}
	all := []error{f.Verify()}
	for _, d := range f.Damaged() {
		all = append(all, errors.New(d))
	}
	a, err := f.App()
	if err != nil {
		return 0, err
	}
	views, problems, err := f.Views(number.Default().Text)
	for _, p := range append(a.Problems, problems...) {
		if !errors.Is(p, qvf.ErrQlikView) { // sound, as far as anybody can tell
			all = append(all, p)
		}
	}
	all = append(all, err)
	for i := range views {
		for k := range views[i].Fields {
			_, err := views[i].Column(k)
			all = append(all, err)
		}
	}
	return len(f.Entries()), errors.Join(all...)
}

// appImportCmd takes files into the folder of apps.
type appImportCmd struct {
	sealFlags
	Apps  string   `help:"Folder of the apps." default:"apps" type:"path"`
	Files []string `arg:"" help:"App files, of the original product or ours." name:"file" type:"existingfile"`
}

// Run imports all files.
func (c *appImportCmd) Run(ctx context.Context, log *slog.Logger) error {
	o, err := c.appOptions(log)
	if err != nil {
		return err
	}
	o.Dir = c.Apps
	lib, err := app.NewLibrary(o)
	if err != nil {
		return err
	}
	for _, path := range c.Files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		id, problems, err := lib.Import(path)
		if err != nil {
			return c.hint(err)
		}
		e, err := lib.Entry(id)
		if err != nil {
			return err
		}
		fmt.Printf("%s: imported as %q, id %s\n", path, e.Title, id)
		if len(problems) > 0 {
			fmt.Printf("  %d parts could not be read: cognate app info %s tells which\n", len(problems), path)
		}
	}
	return nil
}

// appOptions returns the options of a library that opens, and seals, by the
// flags.
func (f *sealFlags) appOptions(log *slog.Logger) (app.Options, error) {
	o := app.Options{Log: log}
	if f.Keys == "" && len(f.SealFor) == 0 {
		return o, nil
	}
	ring, err := f.ring(f.SealFor, f.AllowExpired, log)
	if err != nil {
		return o, err
	}
	o.Keys, o.SealApps, o.SealQVDs = ring, len(f.SealFor) > 0, len(f.SealFor) > 0
	return o, nil
}

// appExportCmd writes an app into another file.
type appExportCmd struct {
	sealFlags
	File   string `arg:"" help:"App file (.qvf)." type:"existingfile"`
	Out    string `arg:"" help:"File to write." type:"path"`
	Compat bool   `help:"Write the data in the documented layout of the original product."`
	NoData bool   `help:"Leave the data out."`
}

// Run exports the app.
func (c *appExportCmd) Run(log *slog.Logger) error {
	in := appFile{keyFlags: c.keyFlags, File: c.File}
	a, err := in.openApp(log)
	if err != nil {
		return err
	}
	content := a.Content()
	if c.NoData {
		content.Data, content.Access = nil, nil
	}
	switch {
	case c.Compat && len(c.SealFor) > 0:
		return errors.New("the layout of the original product has no sealing that is known: --compat and --seal-for exclude each other")
	case c.Compat && content.Access != nil:
		return errors.New("the layout of the original product has no place for the rules of section access that is known: without them everybody would see everything; export without --compat, or with --no-data")
	case c.Compat:
		err = qvf.SaveCompat(c.Out, content)
	default:
		var o app.Options
		if o, err = c.appOptions(log); err != nil {
			return err
		}
		save := qvf.SaveOptions{Compact: true}
		if o.SealApps {
			save.Seal = o.Keys.Recipients()
		}
		err = qvf.Save(c.Out, content, save)
	}
	if err != nil {
		return err
	}
	return sayWritten(c.Out)
}

func sayWritten(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", path, bytesText(info.Size()))
	return nil
}

// appRekeyCmd gives sealed apps to other certificates.
type appRekeyCmd struct {
	keyFlags
	Files        []string `arg:"" help:"Sealed app files." name:"file" type:"existingfile"`
	To           []string `help:"Thumbprint of a certificate that can open the apps from now on. Can be repeated." required:"" placeholder:"THUMBPRINT"`
	AllowExpired bool     `help:"Seal for certificates out of their time, too."`
}

// Run rekeys all files; a file that fails does not stop the others.
func (c *appRekeyCmd) Run(ctx context.Context, log *slog.Logger) error {
	ring, err := c.ring(c.To, c.AllowExpired, log)
	if err != nil {
		return err
	}
	var failed []error
	for _, path := range c.Files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := qvf.Rekey(path, ring, ring.Recipients()); err != nil {
			failed = append(failed, c.hint(err))
			continue
		}
		fmt.Printf("%s: sealed for %s\n", path, thumbprints(ring.Recipients()))
	}
	return errors.Join(failed...)
}

// appUnpackCmd turns an app into a folder.
type appUnpackCmd struct {
	appFile
	Dir  string `arg:"" help:"Folder to write." type:"path"`
	Data string `help:"Format of the tables: qvd, parquet, or none to leave them out." enum:"qvd,parquet,none" default:"qvd"`
}

// Run unpacks the app.
func (c *appUnpackCmd) Run(ctx context.Context, log *slog.Logger) error {
	a, err := c.openApp(log)
	if err != nil {
		return err
	}
	for _, p := range a.Problems() {
		log.Warn("left out", "problem", p)
	}
	if err := folder.Write(ctx, c.Dir, a, c.Data); err != nil {
		return err
	}
	fmt.Printf("%s: unpacked\n", c.Dir)
	return nil
}

// appPackCmd makes an app of a folder.
type appPackCmd struct {
	sealFlags
	Dir string `arg:"" help:"Folder of an unpacked app." type:"existingdir"`
	Out string `arg:"" help:"App file to write." type:"path"`
}

// Run packs the app.
func (c *appPackCmd) Run(ctx context.Context, log *slog.Logger) error {
	o, err := c.appOptions(log)
	if err != nil {
		return err
	}
	content, err := folder.Read(ctx, c.Dir, number.Default().Text)
	if err != nil {
		return err
	}
	save := qvf.SaveOptions{}
	if o.SealApps {
		save.Seal = o.Keys.Recipients()
	}
	if err := qvf.Save(c.Out, content, save); err != nil {
		return err
	}
	return sayWritten(c.Out)
}
