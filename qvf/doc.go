// Package qvf reads and writes apps in .qvf files: script, properties,
// objects, variables, media and the data.
//
// The streams of a file and how they are wrapped are the container's
// (sub-package container); this package knows what stands in them. FORMAT.md
// describes both for somebody who wants to write a reader.
//
// A foreign file is read leniently: what is encrypted, damaged or unknown
// becomes a [Problem] that names the stream, and the rest opens.
package qvf
