package script

import "strings"

// binderOf returns the binder of a function that needs more than its
// arguments, nil for all others.
func binderOf(name string) binder {
	switch strings.ToLower(name) {
	case "recno":
		return bindRecNo
	case "rowno":
		return bindRowNo
	case "iterno":
		return bindIterNo
	case "previous":
		return bindPrevious
	case "peek":
		return bindPeek
	case "exists":
		return bindExists
	case "subfield":
		return bindSubField
	case "text":
		return bindText
	case "evaluate":
		return bindEvaluate
	case "autonumber":
		return bindAutoNumber
	case "autonumberhash128", "autonumberhash256":
		return bindAutoNumberHash
	case "applymap":
		return bindApplyMap
	case "mapsubstring":
		return bindMapSubString
	case "lookup":
		return bindLookup
	case "fieldvalue":
		return bindFieldValue
	case "fieldvaluecount":
		return bindFieldValueCount
	case "fieldindex":
		return bindFieldIndex
	case "fieldname":
		return bindFieldName
	case "fieldnumber":
		return bindFieldNumber
	case "nooffields":
		return bindNoOfFields
	case "noofrows":
		return bindNoOfRows
	case "nooftables":
		return bindNoOfTables
	case "tablename":
		return bindTableName
	case "tablenumber":
		return bindTableNumber
	case "filename", "filebasename", "fileextension", "filedir", "filepath", "filesize", "filetime":
		return bindFile
	case "qvdcreatetime", "qvdnooffields", "qvdnoofrecords", "qvdfieldname", "qvdtablename":
		return bindQVD
	case "connectstring":
		return bindConnectString
	}
	return nil
}
