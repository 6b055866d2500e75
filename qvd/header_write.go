package qvd

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Append appends the header as engines write it: same order of elements, same
// indentation, CR LF, and the NUL. It fails on text that XML cannot carry.
func (h *Header) Append(dst []byte) ([]byte, error) {
	w := headerWriter{b: dst}
	w.line(0, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`)
	w.open(1, "QvdTableHeader")
	w.text(3, "QvBuildNo", h.BuildNo)
	w.text(3, "CreatorDoc", h.CreatorDoc)
	w.text(3, "CreateUtcTime", h.CreateUTCTime)
	w.text(3, "SourceCreateUtcTime", h.SourceCreateUTCTime)
	w.text(3, "SourceFileUtcTime", h.SourceFileUTCTime)
	w.text(3, "SourceFileSize", h.SourceFileSize)
	w.text(3, "StaleUtcTime", h.StaleUTCTime)
	w.text(3, "TableName", h.TableName)
	w.open(3, "Fields")
	for i := range h.Fields {
		w.field(&h.Fields[i])
	}
	w.close(3, "Fields")
	w.text(3, "Compression", h.Compression)
	w.number(3, "RecordByteSize", h.RecordBytes)
	w.number(3, "NoOfRecords", h.Rows)
	w.number(3, "Offset", h.Offset)
	w.number(3, "Length", h.Length)
	w.lineage(h.Lineage)
	w.text(3, "Comment", h.Comment)
	w.text(3, "EncryptionInfo", h.EncryptionInfo)
	w.list(3, "TableTags", h.TableTags)
	w.text(3, "ProfilingData", "")
	w.close(1, "QvdTableHeader")
	w.b = append(w.b, 0)
	return w.b, w.err
}

type headerWriter struct {
	b   []byte
	err error
}

func (w *headerWriter) field(f *Field) {
	w.open(5, "QvdFieldHeader")
	w.text(7, "FieldName", f.Name)
	w.number(7, "BitOffset", f.BitOffset)
	w.number(7, "BitWidth", f.BitWidth)
	w.number(7, "Bias", f.Bias)
	w.open(7, "NumberFormat")
	n := &f.NumberFormat
	w.text(9, "Type", n.Type)
	w.text(9, "nDec", n.Decimals)
	w.text(9, "UseThou", n.UseThou)
	w.text(9, "Fmt", n.Pattern)
	w.text(9, "Dec", n.Decimal)
	w.text(9, "Thou", n.Thousand)
	w.close(7, "NumberFormat")
	w.number(7, "NoOfSymbols", f.Symbols)
	w.number(7, "Offset", f.Offset)
	w.number(7, "Length", f.Length)
	w.text(7, "Comment", f.Comment)
	w.list(7, "Tags", f.Tags)
	w.close(5, "QvdFieldHeader")
}

func (w *headerWriter) lineage(sources []Lineage) {
	if len(sources) == 0 {
		w.text(3, "Lineage", "")
		return
	}
	w.open(3, "Lineage")
	for _, s := range sources {
		w.open(5, "LineageInfo")
		w.text(7, "Discriminator", s.Discriminator)
		w.text(7, "Statement", s.Statement)
		w.close(5, "LineageInfo")
	}
	w.close(3, "Lineage")
}

func (w *headerWriter) list(indent int, name string, items []string) {
	if len(items) == 0 {
		w.text(indent, name, "")
		return
	}
	w.open(indent, name)
	for _, s := range items {
		w.text(indent+2, "String", s)
	}
	w.close(indent, name)
}

func (w *headerWriter) line(indent int, text string) {
	for range indent {
		w.b = append(w.b, ' ')
	}
	w.b = append(append(w.b, text...), "\r\n"...)
}

func (w *headerWriter) open(indent int, name string)  { w.line(indent, "<"+name+">") }
func (w *headerWriter) close(indent int, name string) { w.line(indent, "</"+name+">") }

func (w *headerWriter) number(indent int, name string, n int64) {
	w.line(indent, "<"+name+">"+strconv.FormatInt(n, 10)+"</"+name+">")
}

func (w *headerWriter) text(indent int, name, text string) {
	if r, ok := refused(text); ok && w.err == nil {
		w.err = fmt.Errorf("header, %s %s: XML cannot hold the character %U", name, quote(text), r)
	}
	w.line(indent, "<"+name+">"+escape.Replace(text)+"</"+name+">")
}

// escape writes a CR as a reference, as readers of XML take a bare one for a
// line end.
var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;")

// refused returns the first character that XML 1.0 does not allow.
func refused(s string) (rune, bool) {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return r, true
			}
		}
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return r, true
		}
	}
	return 0, false
}
