package repository

import (
	"context"
	"slices"
	"strings"

	"github.com/cognate-bi/cognate/services/repository/rules"
	"github.com/cognate-bi/cognate/services/repository/store"
)

// Files that libraries of each kind may hold at first, by extension. Those that
// a browser would run are for extensions only, but for what is served without
// the right to run anything.
const (
	imageFiles = "bmp gif ico jpeg jpg png svg tif tiff webp"
	dataFiles  = "csv dat geojson htm html json kml kmz parquet prn qvd qvo qvx tab tsv txt xls xlsm xlsx xlw xml"
	fontFiles  = "eot otf ttf woff woff2"
	mediaFiles = "mp3 mp4 ogg wav webm"
	textFiles  = "css doc docx md pdf ppt pptx rtf"
	codeFiles  = "js map mjs qext wasm wbl yaml yml"
)

var firstWhiteLists = []struct {
	kind  ContentKind
	files string
}{
	{LibraryContent, join(imageFiles, dataFiles, fontFiles, mediaFiles, textFiles)},
	{AppContent, join(imageFiles, dataFiles)},
	{SharedContent, join(imageFiles, dataFiles, mediaFiles, textFiles)},
	{ExtensionContent, join(imageFiles, dataFiles, fontFiles, mediaFiles, textFiles, codeFiles)},
}

func join(lists ...string) string { return strings.Join(lists, " ") }

// firstMimeTypes are the types of files by their extensions; what is missing
// is application/octet-stream.
var firstMimeTypes = map[string]string{
	"application/json":                               "json map qext geojson",
	"application/javascript":                         "js mjs",
	"application/pdf":                                "pdf",
	"application/rtf":                                "rtf",
	"application/wasm":                               "wasm",
	"application/octet-stream":                       "dat parquet qvd qvo qvx",
	"application/vnd.google-earth.kml+xml":           "kml",
	"application/vnd.google-earth.kmz":               "kmz",
	"application/msword":                             "doc",
	"application/vnd.ms-excel":                       "xls xlw",
	"application/vnd.ms-excel.sheet.macroEnabled.12": "xlsm",
	"application/vnd.ms-fontobject":                  "eot",
	"application/vnd.ms-powerpoint":                  "ppt",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         "xlsx",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   "docx",
	"application/xml":           "xml",
	"application/yaml":          "yaml yml",
	"audio/mpeg":                "mp3",
	"audio/ogg":                 "ogg",
	"audio/wav":                 "wav",
	"font/otf":                  "otf",
	"font/ttf":                  "ttf",
	"font/woff":                 "woff",
	"font/woff2":                "woff2",
	"image/bmp":                 "bmp",
	"image/gif":                 "gif",
	"image/jpeg":                "jpeg jpg",
	"image/png":                 "png",
	"image/svg+xml":             "svg",
	"image/tiff":                "tif tiff",
	"image/webp":                "webp",
	"image/x-icon":              "ico",
	"text/css":                  "css",
	"text/csv":                  "csv",
	"text/html":                 "htm html",
	"text/markdown":             "md",
	"text/plain":                "prn txt wbl",
	"text/tab-separated-values": "tab tsv",
	"video/mp4":                 "mp4",
	"video/webm":                "webm",
}

// seedContent makes what static content needs from its start: types of files,
// white lists, the quota of apps, and the library that everybody may read. A
// site from before there was any gets it, too.
func (r *Repository) seedContent(ctx context.Context) error {
	n, err := r.store.Count(ctx, "FileExtensionWhiteList", store.Query{})
	if err != nil || n > 0 {
		return err
	}
	self := Service("repository")
	owner, err := r.user(ctx, &self)
	if err != nil {
		return err
	}
	return r.change(ctx, &self, func(tx *store.Tx) error {
		s := &seeder{ctx: ctx, tx: tx, owner: ref(owner.ID)}
		extensions := s.fileExtensions()
		for _, w := range firstWhiteLists {
			list := s.whiteList(w.kind, strings.Fields(w.files), extensions)
			if w.kind == LibraryContent {
				s.create(w.kind.Library, rules.DefaultLibraryID(), map[string]any{"name": "Default", "type": "media", "owner": s.owner, "whiteList": list})
			}
		}
		s.create("AppContentQuota", "", map[string]any{"maxFileSize": number64(appFileMax), "maxLibrarySize": number64(appContentMax)})
		return s.libraryRule()
	})
}

// fileExtensions makes the types of files, and returns references to them by
// their names.
func (s *seeder) fileExtensions() map[string]map[string]any {
	made := map[string]map[string]any{}
	for mime, names := range firstMimeTypes {
		t := s.create("MimeType", "", map[string]any{"mime": mime, "binary": !strings.HasPrefix(mime, "text/")})
		for _, name := range strings.Fields(names) {
			made[name] = s.create("FileExtension", "", map[string]any{"name": name, "mimeType": t})
		}
	}
	return made
}

func (s *seeder) whiteList(k ContentKind, names []string, extensions map[string]map[string]any) map[string]any {
	slices.Sort(names)
	list := []any{}
	for _, name := range names {
		list = append(list, extensions[name])
	}
	types := map[string]int{"ContentLibrary": 0, "AppContent": 1, "SharedContent": 2, "Extension": 3}
	return s.create("FileExtensionWhiteList", "", map[string]any{"libraryType": number(types[k.list]), "isDefault": true, "modifiedByCustomer": false, "fileExtensions": list})
}

// libraryRule makes the rule that lets everybody read the default library,
// where the site is older than it.
func (s *seeder) libraryRule() error {
	if s.err != nil {
		return s.err
	}
	for _, rule := range rules.Defaults() {
		if rule.Name != rules.DefaultLibraryRule {
			continue
		}
		if _, err := s.tx.Get(s.ctx, "SystemRule", rule.ID); err == nil {
			return nil
		}
		s.rule(&rule)
	}
	return s.err
}
