package qvf

import (
	"encoding/base64"
	"encoding/json"

	"github.com/cognate-bi/cognate/qvf/container"
	"github.com/cognate-bi/cognate/storage/crypt"
)

// Types of streams that are objects.
const (
	TypeObject    = "GenericAppObjectEntry"
	TypeDimension = "GenericDimensionProperties"
	TypeMeasure   = "GenericMeasureProperties"
	TypeBookmark  = "GenericBookmarkEntry"
)

func isObject(streamType string) bool {
	switch streamType {
	case TypeObject, TypeDimension, TypeMeasure, TypeBookmark:
		return true
	}
	return false
}

// childDepthMax bounds how deep objects lie in each other; real ones have
// three levels.
const childDepthMax = 64

// An Object is a sheet, a master item, a bookmark or a part of one of them.
type Object struct {
	Stream    string // "/<id>", "" for children
	EntryType string // TypeObject ..., "" for children
	ID        string
	Type      string // qType: sheet, masterobject, dimension ...
	Title     string
	HasTitle  bool // a title that is empty is not the same as none
	// Properties is what GetProperties returns, nil for bookmarks in binary
	// form.
	Properties json.RawMessage
	// JSON is the stream as a whole: for TypeObject the tree with qMetaData
	// and qRoot, for the others the properties. Children have none.
	JSON     json.RawMessage
	Children []Object
	// Security is the part of the entry's meta data that says what the object
	// is and whose. It names people.
	Security Security
	Bookmark *Bookmark // of TypeBookmark
}

// Security is the meta data of an entry.
type Security struct {
	Title        *string `json:"title,omitempty"`
	Description  string  `json:"description,omitempty"`
	ObjectType   string  `json:"_objecttype,omitempty"`
	ID           string  `json:"id,omitempty"`
	ResourceType string  `json:"_resourcetype,omitempty"`
	Owner        string  `json:"owner,omitempty"`
	Published    bool    `json:"published"`
	Approved     bool    `json:"approved"`
	Created      string  `json:"createdDate,omitempty"`
	Modified     string  `json:"modifiedDate,omitempty"`
}

// securityOf is lenient: what cannot be read gives nothing.
func securityOf(a container.Attributes) (s Security) {
	raw, err := base64.StdEncoding.DecodeString(a.Text(container.AttrSecurityMeta))
	if err == nil && json.Unmarshal(trimJSON(raw), &s) != nil {
		return Security{}
	}
	return s
}

// An objectTree is a node of the property tree in a stream of TypeObject.
type objectTree struct {
	QProperty json.RawMessage `json:"qProperty"`
	QChildren []objectTree    `json:"qChildren"`
}

// An identity is what every object's properties have.
type identity struct {
	QInfo    struct{ QID, QType string }
	QMetaDef struct{ Title *string }
}

func (r *reader) object(e container.Entry, entryType string) {
	b, err := r.payload(e.Path)
	if _, encrypted := r.c.Entry(sealedList); encrypted && entryType == TypeBookmark && e.Attributes[attrSealed] != true {
		err = r.errorf(e.Path, "%w: a bookmark in clear in an encrypted app", crypt.ErrList)
	}
	if err != nil {
		r.problem(e.Path, err)
		return
	}
	o := Object{Stream: e.Path, EntryType: entryType, Security: securityOf(e.Attributes)}
	if entryType == TypeBookmark && !looksLikeJSON(b) {
		o.binaryBookmark(e.Path, b)
	} else {
		err = o.fromJSON(trimJSON(b))
	}
	if err != nil {
		r.problem(e.Path, r.errorf(e.Path, "%w", err))
		return
	}
	r.app.Objects = append(r.app.Objects, o)
}

func (o *Object) fromJSON(b []byte) error {
	var entry struct {
		QRoot *objectTree
	}
	if err := json.Unmarshal(b, &entry); err != nil {
		return err
	}
	o.JSON = b
	if entry.QRoot == nil {
		return o.identify(b)
	}
	return o.fromTree(entry.QRoot, 0)
}

func (o *Object) fromTree(t *objectTree, depth int) error {
	if depth > childDepthMax {
		return errTooDeep
	}
	if err := o.identify(t.QProperty); err != nil {
		return err
	}
	for i := range t.QChildren {
		var child Object
		if err := child.fromTree(&t.QChildren[i], depth+1); err != nil {
			return err
		}
		o.Children = append(o.Children, child)
	}
	return nil
}

// identify takes id, type and title from an object's properties.
func (o *Object) identify(properties json.RawMessage) error {
	var id identity
	if len(properties) > 0 {
		if err := json.Unmarshal(properties, &id); err != nil {
			return err
		}
	}
	o.Properties = properties
	o.ID, o.Type = id.QInfo.QID, id.QInfo.QType
	o.setTitle(id.QMetaDef.Title)
	return nil
}

// DisplayTitle returns a title for lists: that of the object or, of a bookmark
// in binary form whose entry has none, the one in its record; "" if there is
// none at all.
func (o *Object) DisplayTitle() string {
	if o.Title == "" && o.Bookmark != nil {
		return o.Bookmark.Text("title")
	}
	return o.Title
}

func (o *Object) setTitle(title *string) {
	if o.HasTitle = title != nil; o.HasTitle {
		o.Title = *title
	}
}
