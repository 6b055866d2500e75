package repository

import (
	"fmt"
	"path/filepath"

	"github.com/cognate-bi/cognate/services/repository/appfiles"
)

// A ContentKind is one of the kinds of static content. Its files belong to an
// entity, the library, which refers to them.
type ContentKind struct {
	// Library is the type of the libraries.
	Library string
	// Root is the first segment of its external paths, and Folder where its
	// files lie.
	Root, Folder string
	list         string // of file extensions: a ContentLibraryType
}

// The kinds of static content.
var (
	LibraryContent   = ContentKind{"ContentLibrary", "content", "Content", "ContentLibrary"}
	AppContent       = ContentKind{"AppContent", "appcontent", "AppContent", "AppContent"}
	SharedContent    = ContentKind{"SharedContent", "sharedcontent", "SharedContent", "SharedContent"}
	ExtensionContent = ContentKind{"Extension", "extensions", "Extensions", "Extension"}
)

// ContentKinds returns all kinds.
func ContentKinds() []ContentKind {
	return []ContentKind{LibraryContent, AppContent, SharedContent, ExtensionContent}
}

// kindOf returns the kind whose libraries are of a type.
func kindOf(typ string) (k ContentKind, ok bool) {
	for _, k := range ContentKinds() {
		if k.Library == typ {
			return k, true
		}
	}
	return k, false
}

// byName reports whether the libraries of the kind are known by their names;
// those of apps are by the id of the app, shared ones by their own.
func (k ContentKind) byName() bool { return k == LibraryContent || k == ExtensionContent }

// A ContentStore is where the files of static content lie: a folder for each
// kind, in which each file has the id of its row for a name.
type ContentStore struct{ folders map[string]*appfiles.Folder }

const contentSuffix = ".content"

// OpenContent opens the files below a folder, and makes it where there is none.
func OpenContent(dir string) (*ContentStore, error) {
	s := &ContentStore{map[string]*appfiles.Folder{}}
	for _, k := range ContentKinds() {
		f, err := appfiles.OpenAs(filepath.Join(dir, k.Folder), contentSuffix)
		if err != nil {
			return nil, fmt.Errorf("static content: %w", err)
		}
		s.folders[k.Folder] = f
	}
	return s, nil
}

func (s *ContentStore) folder(k ContentKind) *appfiles.Folder { return s.folders[k.Folder] }
