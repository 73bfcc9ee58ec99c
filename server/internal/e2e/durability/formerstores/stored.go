package formerstores

import (
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
)

// StoredName is the file beside a store that has its Stored in JSON.
const StoredName = "stored.json"

// Stored is what a version has stored, as it answered itself.
type Stored struct {
	State    State
	Contents *Contents
}

// document is Stored in JSON.
type document struct {
	State   State
	Rooms   json.RawMessage
	History map[string]json.RawMessage
	Resumed map[string][]json.RawMessage
	Denials json.RawMessage `json:",omitempty"`
}

// Application knows the kinds of event of the application that Write acts.
type Application struct {
	move  protoreflect.MessageDescriptor
	types *dynamicpb.Types
}

// NewApplication returns the application whose descriptor set is given.
func NewApplication(set []byte) (*Application, error) {
	descriptors := new(descriptorpb.FileDescriptorSet)
	if err := proto.Unmarshal(set, descriptors); err != nil {
		return nil, err
	}
	files, err := protodesc.NewFiles(descriptors)
	if err != nil {
		return nil, err
	}
	found, err := files.FindDescriptorByName("game.v1.Move")
	if err != nil {
		return nil, err
	}
	return &Application{found.(protoreflect.MessageDescriptor), dynamicpb.NewTypes(files)}, nil
}

func (a *Application) event() (*anypb.Any, error) {
	m := dynamicpb.NewMessage(a.move)
	m.Set(a.move.Fields().ByName("piece"), protoreflect.ValueOfString("rook"))
	return anypb.New(m)
}

// Encode returns what is written to StoredName.
func (a *Application) Encode(s *Stored) ([]byte, error) {
	d := document{State: s.State, History: make(map[string]json.RawMessage), Resumed: make(map[string][]json.RawMessage)}
	var errs []error
	encode := func(m proto.Message) json.RawMessage {
		text, err := protojson.MarshalOptions{Resolver: a.types}.Marshal(m)
		errs = append(errs, err)
		return text
	}
	d.Rooms = encode(s.Contents.Rooms)
	for room, page := range s.Contents.History {
		d.History[room] = encode(page)
		for _, e := range s.Contents.Resumed[room] {
			d.Resumed[room] = append(d.Resumed[room], encode(e))
		}
	}
	if s.Contents.Denials != nil {
		d.Denials = encode(s.Contents.Denials)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d, "", " ")
	return append(text, '\n'), err
}

// Decode is the reverse of Encode.
func (a *Application) Decode(text []byte) (*Stored, error) {
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	var errs []error
	decode := func(text json.RawMessage, into proto.Message) {
		errs = append(errs, protojson.UnmarshalOptions{Resolver: a.types}.Unmarshal(text, into))
	}
	c := &Contents{Rooms: new(chatv1.ListRoomsResponse), History: make(map[string]*chatv1.ListEventsResponse), Resumed: make(map[string][]*chatv1.Event)}
	decode(d.Rooms, c.Rooms)
	for room, page := range d.History {
		c.History[room] = new(chatv1.ListEventsResponse)
		decode(page, c.History[room])
		for _, text := range d.Resumed[room] {
			e := new(chatv1.Event)
			decode(text, e)
			c.Resumed[room] = append(c.Resumed[room], e)
		}
	}
	if d.Denials != nil {
		c.Denials = new(chatv1.ListDenialsResponse)
		decode(d.Denials, c.Denials)
	}
	return &Stored{d.State, c}, errors.Join(errs...)
}
