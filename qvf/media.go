package qvf

import (
	"bytes"
	"errors"
)

// Media is a file that the app brings along, as a rule an image.
type Media struct {
	Stream  string // "/media/Images/car.png"
	Type    string // media type by the content's first bytes
	Content []byte
}

// A media stream is a record before the file itself:
//
//	packed size of what follows, 00 00 01 02 00 00, 09 "mediaitem", packed n, n bytes
const (
	mediaMark = "mediaitem"
	mediaHead = "\x00\x00\x01\x02\x00\x00\x09" + mediaMark
)

func (r *reader) media(path string) {
	b, err := r.payload(path)
	if err == nil {
		b, err = mediaContent(b)
		if err != nil {
			err = r.errorf(path, "%w", err)
		}
	}
	if err != nil {
		r.problem(path, err)
		return
	}
	r.app.Media = append(r.app.Media, Media{Stream: path, Type: mediaType(b), Content: b})
}

// mediaContent takes the file out of its record.
func mediaContent(record []byte) ([]byte, error) {
	_, rest, ok := bytes.Cut(record, []byte(mediaMark))
	if !ok {
		return nil, errors.New("no mediaitem in it")
	}
	c := cursor{buf: rest}
	if n := c.packed("size"); c.err == nil && n <= c.left() {
		return c.take(n, "content"), nil
	}
	for _, s := range signatures() { // another length: go by the image's own begin
		if i := bytes.Index(rest, []byte(s.begin)); i >= 0 {
			return rest[i:], nil
		}
	}
	return nil, errors.New("media item of unknown layout")
}

func appendMedia(dst, content []byte) []byte {
	body := appendPacked([]byte(mediaHead), len(content))
	dst = appendPacked(dst, len(body)+len(content))
	return append(append(dst, body...), content...)
}

// A signature is how files of a type begin.
type signature struct{ begin, mediaType string }

func signatures() [4]signature {
	return [...]signature{
		{"\xFF\xD8\xFF", "image/jpeg"},
		{"\x89PNG", "image/png"},
		{"GIF8", "image/gif"},
		{"<svg", "image/svg+xml"},
	}
}

// mediaType tells what a file is by how it begins.
func mediaType(b []byte) string {
	for _, s := range signatures() {
		if bytes.HasPrefix(b, []byte(s.begin)) {
			return s.mediaType
		}
	}
	switch {
	case bytes.HasPrefix(b, []byte("<?xml")) && bytes.Contains(b[:min(len(b), 1024)], []byte("<svg")):
		return "image/svg+xml"
	case len(b) > 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "image/webp"
	case bytes.HasPrefix(b, []byte("BM")):
		return "image/bmp"
	}
	return "application/octet-stream"
}
