package harness

import (
	"os"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
)

// GameSchema is the descriptor set of the game. schema/testdata/game is its source.
const GameSchema = "../../schema/testdata/app.binpb"

// GameRules is what the game knows of its own types. A real one has them compiled in:
// here they are not, so that the server, which is in the same process, can't.
type GameRules struct {
	move protoreflect.MessageDescriptor
}

func ReadGameRules(t *testing.T) *GameRules {
	t.Helper()
	data, err := os.ReadFile(GameSchema)
	Must(t, err)
	set := new(descriptorpb.FileDescriptorSet)
	Must(t, proto.Unmarshal(data, set))
	files, err := protodesc.NewFiles(set)
	Must(t, err)
	found, err := files.FindDescriptorByName("game.v1.Move")
	Must(t, err)
	return &GameRules{found.(protoreflect.MessageDescriptor)}
}

// Square is where a piece is.
type Square struct{ X, Y int32 }

// Pack makes the payload of a move.
func (r *GameRules) Pack(t *testing.T, piece string, to Square) *anypb.Any {
	t.Helper()
	m := dynamicpb.NewMessage(r.move)
	fields := r.move.Fields()
	m.Set(fields.ByName("piece"), protoreflect.ValueOfString(piece))
	m.Set(fields.ByName("x"), protoreflect.ValueOfInt32(to.X))
	m.Set(fields.ByName("y"), protoreflect.ValueOfInt32(to.Y))
	payload, err := anypb.New(m)
	Must(t, err)
	return payload
}

func (r *GameRules) Unpack(payload *anypb.Any) (Square, error) {
	m := dynamicpb.NewMessage(r.move)
	if err := payload.UnmarshalTo(m); err != nil {
		return Square{}, err
	}
	fields := r.move.Fields()
	return Square{int32(m.Get(fields.ByName("x")).Int()), int32(m.Get(fields.ByName("y")).Int())}, nil
}
