package schema

// The base fields of every entity. They are not in a stored document.
const (
	ID                 = "id"
	CreatedDate        = "createdDate"
	ModifiedDate       = "modifiedDate"
	ModifiedByUserName = "modifiedByUserName"
	SchemaPath         = "schemaPath"
	Privileges         = "privileges"
)

// BaseFields describes the base fields, for lookups by name.
func BaseFields() []Field {
	return []Field{
		{Name: ID, Kind: GUID, Format: "uuid", Rule: true},
		{Name: CreatedDate, Kind: Date, Format: "date-time"},
		{Name: ModifiedDate, Kind: Date, Format: "date-time"},
		{Name: ModifiedByUserName, Kind: Text, Format: "string"},
		{Name: SchemaPath, Kind: Text, Format: "string"},
	}
}
