package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cognate-bi/cognate/qvd"
	"github.com/cognate-bi/cognate/storage"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// qvdInfoCmd shows the header of a file.
type qvdInfoCmd struct {
	keyFlags
	fileFlag
	JSON  bool `name:"json" help:"As JSON, with everything."`
	Types bool `help:"Also count the symbols of each type, which reads the symbol tables; sealed files need --keys."`
}

// Help is shown with the flags.
func (c *qvdInfoCmd) Help() string {
	return `Reads the header only, whatever the size of the file. The headers of sealed files
are readable without a key.

KIND is what the tags say of the values. SYMBOLS are the distinct values, BYTES
what these take and BITS what a row takes; a BIAS of -2 leaves room for NULL.

Examples:
  cognate qvd info sales.qvd
  cognate qvd info sales.qvd --json | jq .rows`
}

// Run prints the header.
func (c *qvdInfoCmd) Run(ctx context.Context, log *slog.Logger) error {
	info, err := c.read(ctx, log)
	if err != nil {
		return c.explain(err, &c.keyFlags)
	}
	if c.JSON {
		e := json.NewEncoder(os.Stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(info)
	}
	return info.print(os.Stdout)
}

func (c *qvdInfoCmd) read(ctx context.Context, log *slog.Logger) (*qvdInfo, error) {
	stat, err := os.Stat(c.File)
	if err != nil {
		return nil, err
	}
	var keys crypt.Keys
	if c.Types {
		if keys, err = c.open(log); err != nil {
			return nil, err
		}
	}
	f, err := openRows(ctx, c.File, keys)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var info *qvdInfo
	if f.table != nil {
		info = infoOfTable(f.table)
	} else {
		info = infoOfHeader(f.Header())
	}
	info.File, info.Bytes = c.File, stat.Size()
	if c.Types && f.File != nil {
		err = info.countTypes(f.File)
	}
	return info, err
}

// A qvdInfo is what info shows.
type qvdInfo struct {
	File        string         `json:"file"`
	Bytes       int64          `json:"bytes"`
	Table       string         `json:"table"`
	Rows        int64          `json:"rows"`
	Container   bool           `json:"container,omitempty"` // an early file in a container
	HeaderBytes int64          `json:"headerBytes,omitempty"`
	SymbolBytes int64          `json:"symbolBytes,omitempty"`
	RecordBytes int64          `json:"recordBytes"` // of one record
	Build       string         `json:"build,omitempty"`
	Created     string         `json:"created,omitempty"` // UTC
	Document    string         `json:"document,omitempty"`
	Comment     string         `json:"comment,omitempty"`
	Tags        []string       `json:"tags,omitempty"`
	Sealed      *sealInfo      `json:"sealed,omitempty"`
	Fields      []qvdFieldInfo `json:"fields"`
	Lineage     []qvdLineInfo  `json:"lineage"`
}

type qvdFieldInfo struct {
	Name      string            `json:"name"`
	Kind      string            `json:"kind"`
	Symbols   int64             `json:"symbols"`
	BitOffset int64             `json:"bitOffset"`
	BitWidth  int64             `json:"bitWidth"`
	Bias      int64             `json:"bias"`
	Offset    int64             `json:"offset"`
	Length    int64             `json:"length"`
	Format    map[string]string `json:"format"`
	Tags      []string          `json:"tags"`
	Comment   string            `json:"comment,omitempty"`
	Types     map[string]int64  `json:"types,omitempty"`
}

type qvdLineInfo struct {
	Discriminator string `json:"discriminator"`
	Statement     string `json:"statement"`
}

// A sealInfo says who can open a file.
type sealInfo struct {
	Scheme     string          `json:"scheme"`
	Recipients []recipientInfo `json:"recipients,omitempty"`
}

type recipientInfo struct {
	Type   string `json:"type"`
	SHA1   string `json:"sha1"`
	SHA256 string `json:"sha256"`
}

// infoOfHeader returns what a header says.
func infoOfHeader(h *qvd.Header) *qvdInfo {
	i := &qvdInfo{
		Table: h.TableName, Rows: h.Rows, HeaderBytes: h.SizeBytes, RecordBytes: h.RecordBytes,
		Build: h.BuildNo, Created: h.CreateUTCTime, Document: h.CreatorDoc, Comment: h.Comment, Tags: h.TableTags,
		Lineage: []qvdLineInfo{}, Fields: []qvdFieldInfo{}, Sealed: sealInfoOf(h.EncryptionInfo),
	}
	for _, f := range h.Fields {
		i.SymbolBytes += f.Length
		i.Fields = append(i.Fields, qvdFieldInfo{
			Name: f.Name, Kind: kindOf(f.Tags, f.Symbols), Symbols: f.Symbols, BitOffset: f.BitOffset, BitWidth: f.BitWidth,
			Bias: f.Bias, Offset: f.Offset, Length: f.Length, Format: formatInfo(&f.NumberFormat), Tags: append([]string{}, f.Tags...), Comment: f.Comment,
		})
	}
	for _, l := range h.Lineage {
		i.Lineage = append(i.Lineage, qvdLineInfo{l.Discriminator, l.Statement})
	}
	return i
}

// infoOfTable returns what is known of a table of a container.
func infoOfTable(t *storage.Table) *qvdInfo {
	i := &qvdInfo{Table: t.Name, Rows: int64(t.Rows), Container: true, Comment: t.Comment, Tags: t.Tags, Lineage: []qvdLineInfo{}, Fields: []qvdFieldInfo{}}
	for _, c := range t.Columns {
		n := int64(c.Field.Symbols.Len())
		traits, kind := c.Field.Symbols.Traits(), "text or mixed"
		switch {
		case n == 0:
			kind = "-"
		case traits.Integer:
			kind = "integer"
		case traits.Numeric:
			kind = "number"
		}
		i.Fields = append(i.Fields, qvdFieldInfo{Name: c.Field.Name, Kind: kind, Symbols: n, Tags: append([]string{}, c.Field.Tags...), Comment: c.Field.Comment})
	}
	return i
}

// kindOf says what tags tell about the values of a field.
func kindOf(tags []string, symbols int64) string {
	for _, k := range []struct{ tag, kind string }{
		{"$date", "date"}, {"$timestamp", "timestamp"}, {"$integer", "integer"}, {"$numeric", "number"}, {"$text", "text"},
	} {
		if slices.Contains(tags, k.tag) {
			return k.kind
		}
	}
	if symbols == 0 {
		return "-"
	}
	return "mixed"
}

// formatInfo returns the elements of a number format that say something.
func formatInfo(n *qvd.NumberFormat) map[string]string {
	out := map[string]string{}
	for _, e := range [][2]string{
		{"Type", n.Type}, {"nDec", n.Decimals}, {"UseThou", n.UseThou}, {"Fmt", n.Pattern}, {"Dec", n.Decimal}, {"Thou", n.Thousand},
	} {
		if e[1] != "" {
			out[e[0]] = e[1]
		}
	}
	return out
}

// sealInfoOf tells who can open what has these parameters; nil for a file that
// is not sealed.
func sealInfoOf(encryption string) *sealInfo {
	if encryption == "" {
		return nil
	}
	p, err := crypt.DecodeParams(encryption)
	if err != nil {
		return &sealInfo{Scheme: "not known: encrypted by another product"}
	}
	info, err := crypt.Inspect(p)
	if err != nil {
		return &sealInfo{Scheme: "damaged: " + err.Error()}
	}
	s := &sealInfo{Scheme: "oae1"}
	for _, r := range info.Recipients {
		s.Recipients = append(s.Recipients, recipientInfo{r.Type, r.X5T, r.X5TS256})
	}
	return s
}

// countTypes reads the symbol tables.
func (i *qvdInfo) countTypes(f *qvd.File) error {
	names := map[byte]string{
		qvd.TypeInt: "int", qvd.TypeDouble: "double", qvd.TypeText: "text", qvd.TypeIntText: "int+text", qvd.TypeDoubleText: "double+text",
	}
	for k := range i.Fields {
		symbols, err := f.Symbols(k)
		if err != nil {
			return err
		}
		i.Fields[k].Types = map[string]int64{}
		for s := range symbols.Len() {
			i.Fields[k].Types[names[symbols.Type(s)]]++
		}
	}
	return nil
}

// print writes the information for people.
func (i *qvdInfo) print(w io.Writer) error {
	b := bufio.NewWriter(w)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "%-9s %s\n", name, oneLine(value, 0))
		}
	}
	line("File", fmt.Sprintf("%s, %s", i.File, i.size()))
	line("Table", i.Table)
	line("Rows", grouped(i.Rows))
	if i.Created != "" {
		line("Created", fmt.Sprintf("%s UTC, by build %s", i.Created, i.Build))
	}
	line("Document", i.Document)
	line("Comment", i.Comment)
	line("Tags", strings.Join(i.Tags, " "))
	i.printSeal(line)
	if i.Container {
		line("Layout", "an early file, in a container like an app's")
	}
	fmt.Fprintln(b)
	if err := i.printFields(b); err != nil {
		return err
	}
	if len(i.Lineage) > 0 {
		fmt.Fprintln(b, "\nLineage")
	}
	for _, l := range i.Lineage {
		fmt.Fprintf(b, "  %s\n", oneLine(l.Discriminator, 100))
		if l.Statement != "" {
			fmt.Fprintf(b, "    %s\n", oneLine(l.Statement, 100))
		}
	}
	return b.Flush()
}

// size says what the bytes of the file are.
func (i *qvdInfo) size() string {
	if i.Container {
		return byteCount(i.Bytes)
	}
	return fmt.Sprintf("%s (header %s, symbols %s, records %s of %s)",
		byteCount(i.Bytes), byteCount(i.HeaderBytes), byteCount(i.SymbolBytes), byteCount(i.Rows*i.RecordBytes), plural(i.RecordBytes, "byte"))
}

func (i *qvdInfo) printSeal(line func(name, value string)) {
	if i.Sealed == nil {
		return
	}
	if len(i.Sealed.Recipients) == 0 {
		line("Sealed", i.Sealed.Scheme)
	}
	for k, r := range i.Sealed.Recipients {
		name := ""
		if k == 0 {
			name = "Sealed"
		}
		who := "a recipient that is not known here: " + r.Type
		if r.SHA1 != "" {
			who = "for certificate " + r.SHA1
		}
		line(name, who)
	}
}

func (i *qvdInfo) printFields(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if i.Container { // its layout is another one
		fmt.Fprintln(tw, "FIELD\tKIND\tSYMBOLS")
		for _, f := range i.Fields {
			fmt.Fprintf(tw, "%s\t%s\t%s\n", oneLine(f.Name, 60), f.Kind, grouped(f.Symbols))
		}
		return tw.Flush()
	}
	fmt.Fprint(tw, "FIELD\tKIND\tSYMBOLS\tBYTES\tBITS\tBIAS\tFORMAT\tTAGS")
	typed := slices.ContainsFunc(i.Fields, func(f qvdFieldInfo) bool { return f.Types != nil })
	if typed {
		fmt.Fprint(tw, "\tTYPES")
	}
	fmt.Fprintln(tw)
	for _, f := range i.Fields {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%s", oneLine(f.Name, 60), f.Kind, grouped(f.Symbols), byteCount(f.Length),
			f.BitWidth, f.Bias, f.format(), strings.Join(f.Tags, " "))
		if typed {
			fmt.Fprintf(tw, "\t%s", f.types())
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// format names the number format, - for the default.
func (f *qvdFieldInfo) format() string {
	t := f.Format["Type"]
	if t == "" || t == "UNKNOWN" || t == "0" {
		t = ""
	}
	text := strings.TrimSpace(t + " " + oneLine(f.Format["Fmt"], 40))
	if text == "" {
		return "-"
	}
	return text
}

// types lists the types of the symbols.
func (f *qvdFieldInfo) types() string {
	var out []string
	for _, name := range []string{"int", "double", "text", "int+text", "double+text"} {
		if n := f.Types[name]; n > 0 {
			out = append(out, fmt.Sprintf("%s %s", grouped(n), name))
		}
	}
	if out == nil {
		return "-"
	}
	return strings.Join(out, ", ")
}

// oneLine returns a text without line breaks, cut to width characters unless
// that is 0.
func oneLine(s string, width int) string {
	return (&textTable{width: width}).cut(strings.Join(strings.Fields(s), " "))
}
