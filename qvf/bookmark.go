package qvf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

var errTooDeep = fmt.Errorf("objects are nested deeper than %d", childDepthMax)

// A Bookmark is what can be read of a bookmark or snapshot in binary form. Its
// selections cannot.
type Bookmark struct {
	ID, Type string // as the record itself names them; "" if that was not found
	// Items are the properties that are JSON, in the order of the record:
	// title, description, sheetId, selectionFields ...
	Items []Item
	// Record is all of it, as it lies in the file.
	Record []byte
}

// An Item is a named JSON value.
type Item struct {
	Name string
	JSON json.RawMessage
}

// Text returns the text of the first item of that name, "" if there is none.
func (b *Bookmark) Text(name string) string {
	for _, it := range b.Items {
		var s string
		if it.Name == name && json.Unmarshal(it.JSON, &s) == nil {
			return s
		}
	}
	return ""
}

// binaryBookmark fills o from the entry's meta data and the readable parts of
// the record.
func (o *Object) binaryBookmark(stream string, record []byte) {
	o.Bookmark = &Bookmark{Items: jsonItems(record), Record: record}
	o.Bookmark.ID, o.Bookmark.Type = bookmarkInfo(record)
	o.ID, o.Type = o.Security.ID, o.Security.ObjectType
	if o.ID == "" {
		o.ID = strings.TrimPrefix(stream, "/")
	}
	if o.Type == "" {
		o.Type = "bookmark"
	}
	o.setTitle(o.Security.Title)
}

// Marks in the records of binary objects: a length and a name.
const (
	itemMark = "\x0cJsonProperty"
	infoMark = "\x05qInfo\x00"
)

// jsonItems finds the JSON properties of a record:
//
//	0C "JsonProperty", packed n, n bytes:
//	   00 00 01, packed h, h bytes: (u8 length, name, 00), packed v, v bytes: JSON
//
// Marks that nothing sensible follows are passed over.
func jsonItems(record []byte) []Item {
	var items []Item
	for {
		i := bytes.Index(record, []byte(itemMark))
		if i < 0 {
			return items
		}
		record = record[i+len(itemMark):]
		if it, err := jsonItem(record); err == nil {
			items = append(items, it)
		}
	}
}

func jsonItem(b []byte) (Item, error) {
	c := cursor{buf: b}
	c.buf = c.take(c.packed("size"), "item")
	c.off = 0
	c.take(3, "flags")
	head := cursor{buf: c.take(c.packed("header"), "header")}
	it := Item{Name: head.str("name"), JSON: c.take(c.packed("value"), "value")}
	if err := errors.Join(c.err, head.err); err != nil {
		return Item{}, err
	}
	if !json.Valid(it.JSON) {
		return Item{}, errors.New("value is not JSON")
	}
	return it, nil
}

// bookmarkInfo finds id and type: "qInfo", 00, str id, str type.
func bookmarkInfo(record []byte) (id, typ string) {
	_, rest, ok := bytes.Cut(record, []byte(infoMark))
	if !ok {
		return "", ""
	}
	c := cursor{buf: rest}
	id, typ = c.str("id"), c.str("type")
	if c.err != nil {
		return "", ""
	}
	return id, typ
}
