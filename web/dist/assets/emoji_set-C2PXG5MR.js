import"./chunk-W4MPBWQ6.js";import"./chunk-M3Z3X32H.js";var a=[{key:"smileys-emotion",rows:`😀 grinning grinning_face
😃 smiley grinning_face_with_big_eyes
😄 smile grinning_face_with_closed_eyes
😁 grin beaming_face
😆 laughing satisfied lol squinting_face
😅 sweat_smile grinning_face_with_sweat
🤣 rofl rolling_on_the_floor_laughing
😂 joy lmao tears_of_joy
🙂 slightly_smiling_face
🙃 upside_down_face
🫠 melting_face melt
😉 wink winking_face
😊 blush smiling_face_with_closed_eyes
😇 innocent halo
🥰 smiling_face_with_three_hearts smiling_face_with_3_hearts
😍 heart_eyes smiling_face_with_heart_eyes
🤩 star_struck star-struck grinning_face_with_star_eyes
😘 kissing_heart blowing_a_kiss
😗 kissing kissing_face
☺️ relaxed smiling_face
😚 kissing_closed_eyes kissing_face_with_closed_eyes
😙 kissing_smiling_eyes kissing_face_with_smiling_eyes
🥲 smiling_face_with_tear
😋 yum savoring_food
😛 stuck_out_tongue face_with_tongue
😜 stuck_out_tongue_winking_eye
🤪 zany_face grinning_face_with_one_large_and_one_small_eye zany
😝 stuck_out_tongue_closed_eyes
🤑 money_mouth_face
🤗 hugs hugging_face hug hugging
🤭 hand_over_mouth face_with_hand_over_mouth smiling_face_with_smiling_eyes_and_hand_covering_mouth
🫢 face_with_open_eyes_and_hand_over_mouth face_with_open_eyes_hand_over_mouth gasp
🫣 face_with_peeking_eye peek
🤫 shushing_face face_with_finger_covering_closed_lips shush
🤔 thinking thinking_face wtf
🫡 saluting_face salute
🤐 zipper_mouth_face zipper_mouth
🤨 raised_eyebrow face_with_raised_eyebrow face_with_one_eyebrow_raised
😐 neutral_face neutral
😑 expressionless expressionless_face
😶 no_mouth
🫥 dotted_line_face
😶‍🌫️ face_in_clouds in_clouds
😏 smirk smirking smirking_face
😒 unamused unamused_face
🙄 roll_eyes face_with_rolling_eyes rolling_eyes
😬 grimacing grimacing_face
😮‍💨 face_exhaling exhale exhaling
🤥 lying_face lying
🫨 shaking_face shaking
🙂‍↔️ head_shaking_horizontally
🙂‍↕️ head_shaking_vertically
😌 relieved relieved_face
😔 pensive pensive_face
😪 sleepy sleepy_face
🤤 drooling_face drooling
😴 sleeping sleeping_face
🫩 face_with_bags_under_eyes face_with_eye_bags
😷 mask medical_mask
🤒 face_with_thermometer
🤕 face_with_head_bandage
🤢 nauseated_face nauseated
🤮 vomiting_face face_vomiting face_with_open_mouth_vomiting vomiting
🤧 sneezing_face sneezing
🥵 hot_face hot
🥶 cold_face cold
🥴 woozy_face woozy
😵 dizzy_face knocked_out
😵‍💫 face_with_spiral_eyes dizzy_eyes
🤯 exploding_head shocked_face_with_exploding_head
🤠 cowboy_hat_face face_with_cowboy_hat cowboy cowboy_face
🥳 partying_face hooray partying
🥸 disguised_face disguised
😎 sunglasses smiling_face_with_sunglasses sunglasses_cool too_cool
🤓 nerd_face nerd
🧐 monocle_face face_with_monocle
😕 confused confused_face
🫤 face_with_diagonal_mouth
😟 worried worried_face
🙁 slightly_frowning_face
☹️ frowning_face white_frowning_face
😮 open_mouth face_with_open_mouth
😯 hushed hushed_face
😲 astonished astonished_face
😳 flushed flushed_face
🫪 distorted_face
🥺 pleading_face pleading
🥹 face_holding_back_tears watery_eyes
😦 frowning
😧 anguished anguished_face
😨 fearful fearful_face
😰 cold_sweat anxious anxious_face
😥 disappointed_relieved sad_relieved_face
😢 cry crying_face
😭 sob loudly_crying_face
😱 scream screaming_in_fear
😖 confounded confounded_face
😣 persevere persevering_face
😞 disappointed disappointed_face
😓 sweat downcast_face
😩 weary weary_face
😫 tired_face tired
🥱 yawning_face yawn yawning
😤 triumph nose_steam
😡 pout rage
😠 angry angry_face
🤬 cursing_face face_with_symbols_on_mouth serious_face_with_symbols_covering_mouth censored
😈 smiling_imp
👿 imp angry_imp
💀 skull
☠️ skull_and_crossbones
💩 hankey poop shit
🤡 clown_face clown
👹 japanese_ogre ogre
👺 japanese_goblin goblin
👻 ghost
👽 alien
👾 space_invader alien_monster
🤖 robot robot_face
😺 smiley_cat grinning_cat
😸 smile_cat grinning_cat_with_closed_eyes
😹 joy_cat tears_of_joy_cat
😻 heart_eyes_cat smiling_cat_with_heart_eyes
😼 smirk_cat wry_smile_cat
😽 kissing_cat
🙀 scream_cat weary_cat
😿 crying_cat_face crying_cat
😾 pouting_cat
🙈 see_no_evil
🙉 hear_no_evil
🙊 speak_no_evil
💌 love_letter
💘 cupid heart_with_arrow
💝 gift_heart heart_with_ribbon
💖 sparkling_heart
💗 heartpulse growing_heart
💓 heartbeat beating_heart
💞 revolving_hearts
💕 two_hearts
💟 heart_decoration
❣️ heavy_heart_exclamation heavy_heart_exclamation_mark_ornament heart_exclamation
💔 broken_heart
❤️‍🔥 heart_on_fire
❤️‍🩹 mending_heart
❤️ heart red_heart
🩷 pink_heart
🧡 orange_heart
💛 yellow_heart
💚 green_heart
💙 blue_heart
🩵 light_blue_heart
💜 purple_heart
🤎 brown_heart
🖤 black_heart
🩶 grey_heart gray_heart
🤍 white_heart
💋 kiss
💯 100
💢 anger
🫯 fight_cloud
💥 boom collision
💫 dizzy
💦 sweat_drops
💨 dash dashing_away
🕳️ hole
💬 speech_balloon
👁️‍🗨️ eye_speech_bubble eye-in-speech-bubble eye_in_speech_bubble
🗨️ left_speech_bubble
🗯️ right_anger_bubble
💭 thought_balloon
💤 zzz`},{key:"people-body",rows:`👋 wave waving_hand
🤚 raised_back_of_hand
🖐️ raised_hand_with_fingers_splayed
✋ hand raised_hand high_five
🖖 vulcan_salute spock-hand vulcan
🫱 rightwards_hand
🫲 leftwards_hand
🫳 palm_down_hand palm_down
🫴 palm_up_hand palm_up
🫷 leftwards_pushing_hand
🫸 rightwards_pushing_hand
👌 ok_hand
🤌 pinched_fingers pinch
🤏 pinching_hand
✌️ v victory
🤞 crossed_fingers hand_with_index_and_middle_fingers_crossed fingers_crossed
🫰 hand_with_index_finger_and_thumb_crossed
🤟 love_you_gesture i_love_you_hand_sign
🤘 metal the_horns sign_of_the_horns
🤙 call_me_hand
👈 point_left
👉 point_right
👆 point_up_2
🖕 fu middle_finger reversed_hand_with_middle_finger_extended
👇 point_down
☝️ point_up
🫵 index_pointing_at_the_viewer point_forward
👍 +1 thumbsup yes
👎 -1 thumbsdown no
✊ fist fist_raised
👊 facepunch fist_oncoming punch
🤛 fist_left left-facing_fist left_facing_fist
🤜 fist_right right-facing_fist right_facing_fist
👏 clap clapping_hands
🙌 raised_hands
🫶 heart_hands
👐 open_hands
🤲 palms_up_together
🤝 handshake
🙏 pray folded_hands
✍️ writing_hand
💅 nail_care nail_polish
🤳 selfie
💪 muscle right_bicep
🦾 mechanical_arm
🦿 mechanical_leg
🦵 leg
🦶 foot
👂 ear
🦻 ear_with_hearing_aid hearing_aid
👃 nose
🧠 brain
🫀 anatomical_heart
🫁 lungs
🦷 tooth
🦴 bone
👀 eyes
👁️ eye
👅 tongue
👄 lips mouth
🫦 biting_lip
👶 baby
🧒 child
👦 boy
👧 girl
🧑 adult
👱 blond_haired_person person_with_blond_hair blond_haired
👨 man
🧔 bearded_person person_bearded
🧔‍♂️ man_beard man_with_beard man_bearded
🧔‍♀️ woman_beard woman_with_beard woman_bearded
👨‍🦰 red_haired_man man_red_haired
👨‍🦱 curly_haired_man man_curly_haired
👨‍🦳 white_haired_man man_white_haired
👨‍🦲 bald_man man_bald
👩 woman
👩‍🦰 red_haired_woman woman_red_haired
🧑‍🦰 person_red_hair red_haired_person red_haired
👩‍🦱 curly_haired_woman woman_curly_haired
🧑‍🦱 person_curly_hair curly_haired_person curly_haired
👩‍🦳 white_haired_woman woman_white_haired
🧑‍🦳 person_white_hair white_haired_person white_haired
👩‍🦲 bald_woman woman_bald
🧑‍🦲 person_bald bald_person bald
👱‍♀️ blond_haired_woman blonde_woman blond-haired-woman woman_blond_haired
👱‍♂️ blond_haired_man blond-haired-man man_blond_haired
🧓 older_adult
👴 older_man
👵 older_woman
🙍 frowning_person person_frowning
🙍‍♂️ frowning_man man-frowning man_frowning
🙍‍♀️ frowning_woman woman-frowning woman_frowning
🙎 pouting_face person_with_pouting_face person_pouting pouting
🙎‍♂️ pouting_man man-pouting man_pouting
🙎‍♀️ pouting_woman woman-pouting woman_pouting
🙅 no_good person_gesturing_no
🙅‍♂️ ng_man no_good_man man-gesturing-no man_gesturing_no
🙅‍♀️ ng_woman no_good_woman woman-gesturing-no woman_gesturing_no
🙆 ok_person all_good person_gesturing_ok
🙆‍♂️ ok_man man-gesturing-ok man_gesturing_ok
🙆‍♀️ ok_woman woman-gesturing-ok woman_gesturing_ok
💁 information_desk_person tipping_hand_person person_tipping_hand
💁‍♂️ sassy_man tipping_hand_man man-tipping-hand man_tipping_hand
💁‍♀️ sassy_woman tipping_hand_woman woman-tipping-hand woman_tipping_hand
🙋 raising_hand person_raising_hand
🙋‍♂️ raising_hand_man man-raising-hand man_raising_hand
🙋‍♀️ raising_hand_woman woman-raising-hand woman_raising_hand
🧏 deaf_person
🧏‍♂️ deaf_man
🧏‍♀️ deaf_woman
🙇 bow person_bowing
🙇‍♂️ bowing_man man-bowing man_bowing
🙇‍♀️ bowing_woman woman-bowing woman_bowing
🤦 facepalm face_palm person_facepalming
🤦‍♂️ man_facepalming man-facepalming
🤦‍♀️ woman_facepalming woman-facepalming
🤷 shrug person_shrugging
🤷‍♂️ man_shrugging man-shrugging
🤷‍♀️ woman_shrugging woman-shrugging
🧑‍⚕️ health_worker
👨‍⚕️ man_health_worker male-doctor
👩‍⚕️ woman_health_worker female-doctor
🧑‍🎓 student
👨‍🎓 man_student male-student
👩‍🎓 woman_student female-student
🧑‍🏫 teacher
👨‍🏫 man_teacher male-teacher
👩‍🏫 woman_teacher female-teacher
🧑‍⚖️ judge
👨‍⚖️ man_judge male-judge
👩‍⚖️ woman_judge female-judge
🧑‍🌾 farmer
👨‍🌾 man_farmer male-farmer
👩‍🌾 woman_farmer female-farmer
🧑‍🍳 cook
👨‍🍳 man_cook male-cook
👩‍🍳 woman_cook female-cook
🧑‍🔧 mechanic
👨‍🔧 man_mechanic male-mechanic
👩‍🔧 woman_mechanic female-mechanic
🧑‍🏭 factory_worker
👨‍🏭 man_factory_worker male-factory-worker
👩‍🏭 woman_factory_worker female-factory-worker
🧑‍💼 office_worker
👨‍💼 man_office_worker male-office-worker
👩‍💼 woman_office_worker female-office-worker
🧑‍🔬 scientist
👨‍🔬 man_scientist male-scientist
👩‍🔬 woman_scientist female-scientist
🧑‍💻 technologist
👨‍💻 man_technologist male-technologist
👩‍💻 woman_technologist female-technologist
🧑‍🎤 singer
👨‍🎤 man_singer male-singer
👩‍🎤 woman_singer female-singer
🧑‍🎨 artist
👨‍🎨 man_artist male-artist
👩‍🎨 woman_artist female-artist
🧑‍✈️ pilot
👨‍✈️ man_pilot male-pilot
👩‍✈️ woman_pilot female-pilot
🧑‍🚀 astronaut
👨‍🚀 man_astronaut male-astronaut
👩‍🚀 woman_astronaut female-astronaut
🧑‍🚒 firefighter
👨‍🚒 man_firefighter male-firefighter
👩‍🚒 woman_firefighter female-firefighter
👮 cop police_officer
👮‍♂️ policeman male-police-officer man_police_officer
👮‍♀️ policewoman female-police-officer woman_police_officer
🕵️ detective sleuth_or_spy
🕵️‍♂️ male_detective male-detective man_detective
🕵️‍♀️ female_detective female-detective woman_detective
💂 guard
💂‍♂️ guardsman male-guard man_guard
💂‍♀️ guardswoman female-guard woman_guard
🥷 ninja
👷 construction_worker
👷‍♂️ construction_worker_man male-construction-worker man_construction_worker
👷‍♀️ construction_worker_woman female-construction-worker woman_construction_worker
🫅 person_with_crown royalty
🤴 prince
👸 princess
👳 person_with_turban person_wearing_turban
👳‍♂️ man_with_turban man-wearing-turban man_wearing_turban
👳‍♀️ woman_with_turban woman-wearing-turban woman_wearing_turban
👲 man_with_gua_pi_mao person_with_skullcap
🧕 woman_with_headscarf person_with_headscarf
🤵 person_in_tuxedo
🤵‍♂️ man_in_tuxedo
🤵‍♀️ woman_in_tuxedo
👰 person_with_veil
👰‍♂️ man_with_veil
👰‍♀️ bride_with_veil woman_with_veil
🤰 pregnant_woman
🫃 pregnant_man
🫄 pregnant_person
🤱 breast_feeding breast-feeding
👩‍🍼 woman_feeding_baby
👨‍🍼 man_feeding_baby
🧑‍🍼 person_feeding_baby
👼 angel
🎅 santa
🤶 mrs_claus mother_christmas
🧑‍🎄 mx_claus
🦸 superhero
🦸‍♂️ superhero_man male_superhero man_superhero
🦸‍♀️ superhero_woman female_superhero woman_superhero
🦹 supervillain
🦹‍♂️ supervillain_man male_supervillain man_supervillain
🦹‍♀️ supervillain_woman female_supervillain woman_supervillain
🧙 mage
🧙‍♂️ mage_man male_mage man_mage
🧙‍♀️ mage_woman female_mage woman_mage
🧚 fairy
🧚‍♂️ fairy_man male_fairy man_fairy
🧚‍♀️ fairy_woman female_fairy woman_fairy
🧛 vampire
🧛‍♂️ vampire_man male_vampire man_vampire
🧛‍♀️ vampire_woman female_vampire woman_vampire
🧜 merperson
🧜‍♂️ merman
🧜‍♀️ mermaid
🧝 elf
🧝‍♂️ elf_man male_elf man_elf
🧝‍♀️ elf_woman female_elf woman_elf
🧞 genie
🧞‍♂️ genie_man male_genie man_genie
🧞‍♀️ genie_woman female_genie woman_genie
🧟 zombie
🧟‍♂️ zombie_man male_zombie man_zombie
🧟‍♀️ zombie_woman female_zombie woman_zombie
🧌 troll
🫈 hairy_creature
💆 massage person_getting_massage
💆‍♂️ massage_man man-getting-massage man_getting_massage
💆‍♀️ massage_woman woman-getting-massage woman_getting_massage
💇 haircut person_getting_haircut
💇‍♂️ haircut_man man-getting-haircut man_getting_haircut
💇‍♀️ haircut_woman woman-getting-haircut woman_getting_haircut
🚶 walking person_walking
🚶‍♂️ walking_man man-walking man_walking
🚶‍♀️ walking_woman woman-walking woman_walking
🚶‍➡️ person_walking_facing_right person_walking_right
🚶‍♀️‍➡️ woman_walking_facing_right woman_walking_right
🚶‍♂️‍➡️ man_walking_facing_right man_walking_right
🧍 standing_person person_standing standing
🧍‍♂️ standing_man man_standing
🧍‍♀️ standing_woman woman_standing
🧎 kneeling_person kneeling person_kneeling
🧎‍♂️ kneeling_man man_kneeling
🧎‍♀️ kneeling_woman woman_kneeling
🧎‍➡️ person_kneeling_facing_right person_kneeling_right
🧎‍♀️‍➡️ woman_kneeling_facing_right woman_kneeling_right
🧎‍♂️‍➡️ man_kneeling_facing_right man_kneeling_right
🧑‍🦯 person_with_probing_cane person_with_white_cane
🧑‍🦯‍➡️ person_with_white_cane_facing_right person_with_white_cane_right
👨‍🦯 man_with_probing_cane man_with_white_cane
👨‍🦯‍➡️ man_with_white_cane_facing_right man_with_white_cane_right
👩‍🦯 woman_with_probing_cane woman_with_white_cane
👩‍🦯‍➡️ woman_with_white_cane_facing_right woman_with_white_cane_right
🧑‍🦼 person_in_motorized_wheelchair
🧑‍🦼‍➡️ person_in_motorized_wheelchair_facing_right person_in_motorized_wheelchair_right
👨‍🦼 man_in_motorized_wheelchair
👨‍🦼‍➡️ man_in_motorized_wheelchair_facing_right man_in_motorized_wheelchair_right
👩‍🦼 woman_in_motorized_wheelchair
👩‍🦼‍➡️ woman_in_motorized_wheelchair_facing_right woman_in_motorized_wheelchair_right
🧑‍🦽 person_in_manual_wheelchair
🧑‍🦽‍➡️ person_in_manual_wheelchair_facing_right person_in_manual_wheelchair_right
👨‍🦽 man_in_manual_wheelchair
👨‍🦽‍➡️ man_in_manual_wheelchair_facing_right man_in_manual_wheelchair_right
👩‍🦽 woman_in_manual_wheelchair
👩‍🦽‍➡️ woman_in_manual_wheelchair_facing_right woman_in_manual_wheelchair_right
🏃 runner running person_running
🏃‍♂️ running_man man-running man_running
🏃‍♀️ running_woman woman-running woman_running
🏃‍➡️ person_running_facing_right person_running_right
🏃‍♀️‍➡️ woman_running_facing_right woman_running_right
🏃‍♂️‍➡️ man_running_facing_right man_running_right
🧑‍🩰 ballet_dancer
💃 dancer woman_dancing
🕺 man_dancing
🕴️ business_suit_levitating man_in_business_suit_levitating levitate levitating person_in_suit_levitating
👯 dancers people_with_bunny_ears_partying
👯‍♂️ dancing_men men-with-bunny-ears-partying man-with-bunny-ears-partying men_with_bunny_ears_partying
👯‍♀️ dancing_women women-with-bunny-ears-partying woman-with-bunny-ears-partying women_with_bunny_ears_partying
🧖 sauna_person person_in_steamy_room
🧖‍♂️ sauna_man man_in_steamy_room
🧖‍♀️ sauna_woman woman_in_steamy_room
🧗 climbing person_climbing
🧗‍♂️ climbing_man man_climbing
🧗‍♀️ climbing_woman woman_climbing
🤺 person_fencing fencer fencing
🏇 horse_racing
⛷️ skier person_skiing skiing
🏂 snowboarder person_snowboarding snowboarding
🏌️ golfing golfer person_golfing
🏌️‍♂️ golfing_man man-golfing man_golfing
🏌️‍♀️ golfing_woman woman-golfing woman_golfing
🏄 surfer person_surfing surfing
🏄‍♂️ surfing_man man-surfing man_surfing
🏄‍♀️ surfing_woman woman-surfing woman_surfing
🚣 rowboat person_rowing_boat
🚣‍♂️ rowing_man man-rowing-boat man_rowing_boat
🚣‍♀️ rowing_woman woman-rowing-boat woman_rowing_boat
🏊 swimmer person_swimming swimming
🏊‍♂️ swimming_man man-swimming man_swimming
🏊‍♀️ swimming_woman woman-swimming woman_swimming
⛹️ bouncing_ball_person person_with_ball person_bouncing_ball
⛹️‍♂️ basketball_man bouncing_ball_man man-bouncing-ball man_bouncing_ball
⛹️‍♀️ basketball_woman bouncing_ball_woman woman-bouncing-ball woman_bouncing_ball
🏋️ weight_lifting weight_lifter person_lifting_weights
🏋️‍♂️ weight_lifting_man man-lifting-weights man_lifting_weights
🏋️‍♀️ weight_lifting_woman woman-lifting-weights woman_lifting_weights
🚴 bicyclist biking person_biking
🚴‍♂️ biking_man man-biking man_biking
🚴‍♀️ biking_woman woman-biking woman_biking
🚵 mountain_bicyclist mountain_biking person_mountain_biking
🚵‍♂️ mountain_biking_man man-mountain-biking man_mountain_biking
🚵‍♀️ mountain_biking_woman woman-mountain-biking woman_mountain_biking
🤸 cartwheeling person_doing_cartwheel person_cartwheel
🤸‍♂️ man_cartwheeling man-cartwheeling
🤸‍♀️ woman_cartwheeling woman-cartwheeling
🤼 wrestling wrestlers people_wrestling
🤼‍♂️ men_wrestling man-wrestling
🤼‍♀️ women_wrestling woman-wrestling
🤽 water_polo person_playing_water_polo
🤽‍♂️ man_playing_water_polo man-playing-water-polo
🤽‍♀️ woman_playing_water_polo woman-playing-water-polo
🤾 handball_person handball person_playing_handball
🤾‍♂️ man_playing_handball man-playing-handball
🤾‍♀️ woman_playing_handball woman-playing-handball
🤹 juggling_person juggling juggler person_juggling
🤹‍♂️ man_juggling man-juggling
🤹‍♀️ woman_juggling woman-juggling
🧘 lotus_position person_in_lotus_position
🧘‍♂️ lotus_position_man man_in_lotus_position
🧘‍♀️ lotus_position_woman woman_in_lotus_position
🛀 bath person_taking_bath
🛌 sleeping_bed sleeping_accommodation person_in_bed
🧑‍🤝‍🧑 people_holding_hands
👭 two_women_holding_hands women_holding_hands
👫 couple man_and_woman_holding_hands woman_and_man_holding_hands
👬 two_men_holding_hands men_holding_hands
💏 couplekiss couple_kiss
👩‍❤️‍💋‍👨 couplekiss_man_woman woman-kiss-man kiss_mw kiss_wm
👨‍❤️‍💋‍👨 couplekiss_man_man man-kiss-man kiss_mm
👩‍❤️‍💋‍👩 couplekiss_woman_woman woman-kiss-woman kiss_ww
💑 couple_with_heart
👩‍❤️‍👨 couple_with_heart_woman_man woman-heart-man couple_with_heart_mw couple_with_heart_wm
👨‍❤️‍👨 couple_with_heart_man_man man-heart-man couple_with_heart_mm
👩‍❤️‍👩 couple_with_heart_woman_woman woman-heart-woman couple_with_heart_ww
👨‍👩‍👦 family_man_woman_boy man-woman-boy family_mwb
👨‍👩‍👧 family_man_woman_girl man-woman-girl family_mwg
👨‍👩‍👧‍👦 family_man_woman_girl_boy man-woman-girl-boy family_mwgb
👨‍👩‍👦‍👦 family_man_woman_boy_boy man-woman-boy-boy family_mwbb
👨‍👩‍👧‍👧 family_man_woman_girl_girl man-woman-girl-girl family_mwgg
👨‍👨‍👦 family_man_man_boy man-man-boy family_mmb
👨‍👨‍👧 family_man_man_girl man-man-girl family_mmg
👨‍👨‍👧‍👦 family_man_man_girl_boy man-man-girl-boy family_mmgb
👨‍👨‍👦‍👦 family_man_man_boy_boy man-man-boy-boy family_mmbb
👨‍👨‍👧‍👧 family_man_man_girl_girl man-man-girl-girl family_mmgg
👩‍👩‍👦 family_woman_woman_boy woman-woman-boy family_wwb
👩‍👩‍👧 family_woman_woman_girl woman-woman-girl family_wwg
👩‍👩‍👧‍👦 family_woman_woman_girl_boy woman-woman-girl-boy family_wwgb
👩‍👩‍👦‍👦 family_woman_woman_boy_boy woman-woman-boy-boy family_wwbb
👩‍👩‍👧‍👧 family_woman_woman_girl_girl woman-woman-girl-girl family_wwgg
👨‍👦 family_man_boy man-boy family_mb
👨‍👦‍👦 family_man_boy_boy man-boy-boy family_mbb
👨‍👧 family_man_girl man-girl family_mg
👨‍👧‍👦 family_man_girl_boy man-girl-boy family_mgb
👨‍👧‍👧 family_man_girl_girl man-girl-girl family_mgg
👩‍👦 family_woman_boy woman-boy family_wb
👩‍👦‍👦 family_woman_boy_boy woman-boy-boy family_wbb
👩‍👧 family_woman_girl woman-girl family_wg
👩‍👧‍👦 family_woman_girl_boy woman-girl-boy family_wgb
👩‍👧‍👧 family_woman_girl_girl woman-girl-girl family_wgg
🗣️ speaking_head speaking_head_in_silhouette
👤 bust_in_silhouette
👥 busts_in_silhouette
🫂 people_hugging
👪 family
🧑‍🧑‍🧒 family_adult_adult_child family_aac
🧑‍🧑‍🧒‍🧒 family_adult_adult_child_child family_aacc
🧑‍🧒 family_adult_child family_aa family_ac
🧑‍🧒‍🧒 family_adult_child_child family_acc
👣 footprints
🫆 fingerprint`},{key:"animals-nature",rows:`🐵 monkey_face
🐒 monkey
🦍 gorilla
🦧 orangutan
🐶 dog dog_face
🐕 dog2
🦮 guide_dog
🐕‍🦺 service_dog
🐩 poodle
🐺 wolf wolf_face
🦊 fox_face fox
🦝 raccoon
🐱 cat cat_face
🐈 cat2
🐈‍⬛ black_cat
🦁 lion lion_face
🐯 tiger tiger_face
🐅 tiger2
🐆 leopard
🐴 horse horse_face
🫎 moose
🫏 donkey
🐎 racehorse
🦄 unicorn unicorn_face
🦓 zebra zebra_face
🦌 deer
🦬 bison
🐮 cow cow_face
🐂 ox
🐃 water_buffalo
🐄 cow2
🐷 pig pig_face
🐖 pig2
🐗 boar
🐽 pig_nose
🐏 ram
🐑 sheep ewe
🐐 goat
🐪 dromedary_camel
🐫 camel
🦙 llama
🦒 giraffe giraffe_face
🐘 elephant
🦣 mammoth
🦏 rhinoceros rhino
🦛 hippopotamus hippo
🐭 mouse mouse_face
🐁 mouse2
🐀 rat
🐹 hamster hamster_face
🐰 rabbit rabbit_face
🐇 rabbit2
🐿️ chipmunk
🦫 beaver
🦔 hedgehog
🦇 bat
🐻 bear bear_face
🐻‍❄️ polar_bear polar_bear_face
🐨 koala koala_face
🐼 panda_face panda
🦥 sloth
🦦 otter
🦨 skunk
🦘 kangaroo
🦡 badger
🐾 feet paw_prints
🦃 turkey
🐔 chicken chicken_face
🐓 rooster
🐣 hatching_chick
🐤 baby_chick
🐥 hatched_chick
🐦 bird bird_face
🐧 penguin penguin_face
🕊️ dove dove_of_peace
🦅 eagle
🦆 duck
🦢 swan
🦉 owl
🦤 dodo
🪶 feather
🦩 flamingo
🦚 peacock
🦜 parrot
🪽 wing
🐦‍⬛ black_bird
🪿 goose
🐦‍🔥 phoenix
🐸 frog frog_face
🐊 crocodile
🐢 turtle
🦎 lizard
🐍 snake
🐲 dragon_face
🐉 dragon
🦕 sauropod
🦖 t-rex trex
🐳 whale spouting_whale
🐋 whale2
🐬 dolphin flipper
🫍 orca
🦭 seal
🐟 fish
🐠 tropical_fish
🐡 blowfish
🦈 shark
🐙 octopus
🐚 shell
🪸 coral
🪼 jellyfish
🦀 crab
🦞 lobster
🦐 shrimp
🦑 squid
🦪 oyster
🐌 snail
🦋 butterfly
🐛 bug
🐜 ant
🐝 bee honeybee
🪲 beetle
🐞 lady_beetle ladybug
🦗 cricket
🪳 cockroach
🕷️ spider
🕸️ spider_web
🦂 scorpion
🦟 mosquito
🪰 fly
🪱 worm
🦠 microbe
💐 bouquet
🌸 cherry_blossom
💮 white_flower
🪷 lotus
🏵️ rosette
🌹 rose
🥀 wilted_flower
🌺 hibiscus
🌻 sunflower
🌼 blossom
🌷 tulip
🪻 hyacinth
🌱 seedling
🪴 potted_plant
🌲 evergreen_tree
🌳 deciduous_tree
🌴 palm_tree
🌵 cactus
🌾 ear_of_rice sheaf_of_rice
🌿 herb
☘️ shamrock
🍀 four_leaf_clover
🍁 maple_leaf
🍂 fallen_leaf
🍃 leaves
🪹 empty_nest nest
🪺 nest_with_eggs
🍄 mushroom
🪾 leafless_tree`},{key:"food-drink",rows:`🍇 grapes
🍈 melon
🍉 watermelon
🍊 mandarin orange tangerine
🍋 lemon
🍋‍🟩 lime
🍌 banana
🍍 pineapple
🥭 mango
🍎 apple red_apple
🍏 green_apple
🍐 pear
🍑 peach
🍒 cherries
🍓 strawberry
🫐 blueberries
🥝 kiwi_fruit kiwifruit kiwi
🍅 tomato
🫒 olive
🥥 coconut
🥑 avocado
🍆 eggplant
🥔 potato
🥕 carrot
🌽 corn ear_of_corn
🌶️ hot_pepper
🫑 bell_pepper
🥒 cucumber
🥬 leafy_green
🥦 broccoli
🧄 garlic
🧅 onion
🥜 peanuts
🫘 beans
🌰 chestnut
🫚 ginger_root ginger
🫛 pea_pod pea
🍄‍🟫 brown_mushroom
🫜 root_vegetable
🍞 bread
🥐 croissant
🥖 baguette_bread
🫓 flatbread
🥨 pretzel
🥯 bagel
🥞 pancakes
🧇 waffle
🧀 cheese cheese_wedge
🍖 meat_on_bone
🍗 poultry_leg
🥩 cut_of_meat
🥓 bacon
🍔 hamburger
🍟 fries french_fries
🍕 pizza
🌭 hotdog
🥪 sandwich
🌮 taco
🌯 burrito
🫔 tamale
🥙 stuffed_flatbread
🧆 falafel
🥚 egg
🍳 fried_egg cooking
🥘 shallow_pan_of_food
🍲 stew pot_of_food
🫕 fondue
🥣 bowl_with_spoon
🥗 green_salad salad
🍿 popcorn
🧈 butter
🧂 salt
🥫 canned_food
🍱 bento bento_box
🍘 rice_cracker
🍙 rice_ball
🍚 rice cooked_rice
🍛 curry curry_rice
🍜 ramen steaming_bowl
🍝 spaghetti
🍠 sweet_potato
🍢 oden
🍣 sushi
🍤 fried_shrimp
🍥 fish_cake
🥮 moon_cake
🍡 dango
🥟 dumpling
🥠 fortune_cookie
🥡 takeout_box
🍦 icecream soft_serve
🍧 shaved_ice
🍨 ice_cream
🍩 doughnut
🍪 cookie
🎂 birthday birthday_cake
🍰 cake shortcake
🧁 cupcake
🥧 pie
🍫 chocolate_bar
🍬 candy
🍭 lollipop
🍮 custard
🍯 honey_pot
🍼 baby_bottle
🥛 milk_glass glass_of_milk milk
☕ coffee
🫖 teapot
🍵 tea
🍶 sake
🍾 champagne
🍷 wine_glass
🍸 cocktail
🍹 tropical_drink
🍺 beer
🍻 beers
🥂 clinking_glasses
🥃 tumbler_glass whisky
🫗 pouring_liquid pour
🥤 cup_with_straw
🧋 bubble_tea boba_drink
🧃 beverage_box juice_box
🧉 mate mate_drink
🧊 ice_cube ice
🥢 chopsticks
🍽️ plate_with_cutlery knife_fork_plate fork_knife_plate
🍴 fork_and_knife
🥄 spoon
🔪 hocho knife
🫙 jar
🏺 amphora`},{key:"travel-places",rows:`🌍 earth_africa earth_europe
🌎 earth_americas
🌏 earth_asia
🌐 globe_with_meridians
🗺️ world_map
🗾 japan japan_map
🧭 compass
🏔️ mountain_snow snow_capped_mountain
⛰️ mountain
🛘 landslide
🌋 volcano
🗻 mount_fuji
🏕️ camping
🏖️ beach_umbrella beach_with_umbrella beach
🏜️ desert
🏝️ desert_island island
🏞️ national_park
🏟️ stadium
🏛️ classical_building
🏗️ building_construction construction_site
🧱 bricks
🪨 rock
🪵 wood
🛖 hut
🏘️ houses house_buildings homes
🏚️ derelict_house derelict_house_building house_abandoned
🏠 house
🏡 house_with_garden
🏢 office
🏣 post_office
🏤 european_post_office
🏥 hospital
🏦 bank
🏨 hotel
🏩 love_hotel
🏪 convenience_store
🏫 school
🏬 department_store
🏭 factory
🏯 japanese_castle
🏰 european_castle castle
💒 wedding
🗼 tokyo_tower
🗽 statue_of_liberty
⛪ church
🕌 mosque
🛕 hindu_temple
🕍 synagogue
⛩️ shinto_shrine
🕋 kaaba
⛲ fountain
⛺ tent
🌁 foggy
🌃 night_with_stars
🏙️ cityscape
🌄 sunrise_over_mountains
🌅 sunrise
🌆 city_sunset city_dusk
🌇 city_sunrise
🌉 bridge_at_night
♨️ hotsprings
🎠 carousel_horse
🛝 playground_slide slide
🎡 ferris_wheel
🎢 roller_coaster
💈 barber barber_pole
🎪 circus_tent
🚂 steam_locomotive
🚃 railway_car
🚄 bullettrain_side
🚅 bullettrain_front
🚆 train2
🚇 metro
🚈 light_rail
🚉 station
🚊 tram
🚝 monorail
🚞 mountain_railway
🚋 train tram_car
🚌 bus
🚍 oncoming_bus
🚎 trolleybus
🚐 minibus
🚑 ambulance
🚒 fire_engine
🚓 police_car
🚔 oncoming_police_car
🚕 taxi
🚖 oncoming_taxi
🚗 car red_car
🚘 oncoming_automobile
🚙 blue_car suv
🛻 pickup_truck
🚚 truck delivery_truck
🚛 articulated_lorry
🚜 tractor
🏎️ racing_car
🏍️ motorcycle racing_motorcycle
🛵 motor_scooter
🦽 manual_wheelchair
🦼 motorized_wheelchair
🛺 auto_rickshaw
🚲 bike bicycle
🛴 kick_scooter scooter
🛹 skateboard
🛼 roller_skate
🚏 busstop
🛣️ motorway
🛤️ railway_track
🛢️ oil_drum
⛽ fuelpump
🛞 wheel
🚨 rotating_light
🚥 traffic_light
🚦 vertical_traffic_light
🛑 stop_sign octagonal_sign
🚧 construction
⚓ anchor
🛟 ring_buoy lifebuoy
⛵ boat sailboat
🛶 canoe
🚤 speedboat
🛳️ passenger_ship cruise_ship
⛴️ ferry
🛥️ motor_boat motorboat
🚢 ship
✈️ airplane
🛩️ small_airplane
🛫 flight_departure airplane_departure
🛬 flight_arrival airplane_arriving
🪂 parachute
💺 seat
🚁 helicopter
🚟 suspension_railway
🚠 mountain_cableway
🚡 aerial_tramway
🛰️ artificial_satellite
🚀 rocket
🛸 flying_saucer
🛎️ bellhop_bell bellhop
🧳 luggage
⌛ hourglass
⏳ hourglass_flowing_sand
⌚ watch
⏰ alarm_clock
⏱️ stopwatch
⏲️ timer_clock
🕰️ mantelpiece_clock clock
🕛 clock12
🕧 clock1230
🕐 clock1
🕜 clock130
🕑 clock2
🕝 clock230
🕒 clock3
🕞 clock330
🕓 clock4
🕟 clock430
🕔 clock5
🕠 clock530
🕕 clock6
🕡 clock630
🕖 clock7
🕢 clock730
🕗 clock8
🕣 clock830
🕘 clock9
🕤 clock930
🕙 clock10
🕥 clock1030
🕚 clock11
🕦 clock1130
🌑 new_moon
🌒 waxing_crescent_moon
🌓 first_quarter_moon
🌔 moon waxing_gibbous_moon
🌕 full_moon
🌖 waning_gibbous_moon
🌗 last_quarter_moon
🌘 waning_crescent_moon
🌙 crescent_moon
🌚 new_moon_with_face
🌛 first_quarter_moon_with_face
🌜 last_quarter_moon_with_face
🌡️ thermometer
☀️ sunny sun
🌝 full_moon_with_face
🌞 sun_with_face
🪐 ringed_planet saturn
⭐ star
🌟 star2 glowing_star
🌠 stars shooting_star
🌌 milky_way
☁️ cloud
⛅ partly_sunny
⛈️ cloud_with_lightning_and_rain thunder_cloud_and_rain stormy
🌤️ sun_behind_small_cloud mostly_sunny sun_small_cloud
🌥️ sun_behind_large_cloud barely_sunny sun_behind_cloud cloudy
🌦️ sun_behind_rain_cloud partly_sunny_rain sun_and_rain
🌧️ cloud_with_rain rain_cloud rainy
🌨️ cloud_with_snow snow_cloud snowy
🌩️ cloud_with_lightning lightning lightning_cloud
🌪️ tornado tornado_cloud
🌫️ fog
🌬️ wind_face wind_blowing_face
🌀 cyclone
🌈 rainbow
🌂 closed_umbrella
☂️ open_umbrella
☔ umbrella umbrella_with_rain_drops umbrella_with_rain
⛱️ parasol_on_ground umbrella_on_ground
⚡ zap high_voltage
❄️ snowflake
☃️ snowman_with_snow snowman2
⛄ snowman snowman_without_snow
☄️ comet
🔥 fire
💧 droplet
🌊 ocean water_wave`},{key:"activities",rows:`🎃 jack_o_lantern
🎄 christmas_tree
🎆 fireworks
🎇 sparkler
🧨 firecracker
✨ sparkles
🎈 balloon
🎉 tada party party_popper
🎊 confetti_ball
🎋 tanabata_tree
🎍 bamboo
🎎 dolls
🎏 flags carp_streamer
🎐 wind_chime
🎑 rice_scene moon_ceremony
🧧 red_envelope
🎀 ribbon
🎁 gift
🎗️ reminder_ribbon
🎟️ tickets admission_tickets
🎫 ticket
🎖️ medal_military medal military_medal
🏆 trophy
🏅 medal_sports sports_medal
🥇 1st_place_medal first_place_medal 1st
🥈 2nd_place_medal second_place_medal 2nd
🥉 3rd_place_medal third_place_medal 3rd
⚽ soccer
⚾ baseball
🥎 softball
🏀 basketball
🏐 volleyball
🏈 football
🏉 rugby_football
🎾 tennis
🥏 flying_disc
🎳 bowling
🏏 cricket_game cricket_bat_and_ball
🏑 field_hockey field_hockey_stick_and_ball
🏒 ice_hockey ice_hockey_stick_and_puck hockey
🥍 lacrosse
🏓 ping_pong table_tennis_paddle_and_ball
🏸 badminton badminton_racquet_and_shuttlecock
🥊 boxing_glove
🥋 martial_arts_uniform
🥅 goal_net
⛳ golf
⛸️ ice_skate
🎣 fishing_pole_and_fish fishing_pole
🤿 diving_mask
🎽 running_shirt_with_sash running_shirt
🎿 ski
🛷 sled
🥌 curling_stone
🎯 dart bullseye direct_hit
🪀 yo_yo yo-yo
🪁 kite
🔫 gun pistol
🎱 8ball billiards
🔮 crystal_ball
🪄 magic_wand
🎮 video_game controller
🕹️ joystick
🎰 slot_machine
🎲 game_die
🧩 jigsaw puzzle_piece
🧸 teddy_bear
🪅 pinata
🪩 mirror_ball disco disco_ball
🪆 nesting_dolls
♠️ spades
♥️ hearts
♦️ diamonds
♣️ clubs
♟️ chess_pawn
🃏 black_joker
🀄 mahjong
🎴 flower_playing_cards
🎭 performing_arts
🖼️ framed_picture frame_with_picture
🎨 art palette
🧵 thread
🪡 sewing_needle
🧶 yarn
🪢 knot`},{key:"objects",rows:`👓 eyeglasses glasses
🕶️ dark_sunglasses
🥽 goggles
🥼 lab_coat
🦺 safety_vest
👔 necktie
👕 shirt tshirt
👖 jeans
🧣 scarf
🧤 gloves
🧥 coat
🧦 socks
👗 dress
👘 kimono
🥻 sari
🩱 one_piece_swimsuit one-piece_swimsuit
🩲 swim_brief briefs
🩳 shorts
👙 bikini
👚 womans_clothes
🪭 folding_hand_fan folding_fan
👛 purse
👜 handbag
👝 pouch clutch_bag
🛍️ shopping shopping_bags
🎒 school_satchel backpack
🩴 thong_sandal
👞 mans_shoe shoe
👟 athletic_shoe sneaker
🥾 hiking_boot
🥿 flat_shoe womans_flat_shoe
👠 high_heel
👡 sandal
🩰 ballet_shoes
👢 boot
🪮 hair_pick
👑 crown
👒 womans_hat
🎩 tophat top_hat
🎓 mortar_board graduation_cap
🧢 billed_cap
🪖 military_helmet
⛑️ rescue_worker_helmet helmet_with_white_cross helmet_with_cross
📿 prayer_beads
💄 lipstick
💍 ring
💎 gem
🔇 mute no_sound
🔈 speaker low_volume quiet_sound
🔉 sound medium_volumne
🔊 loud_sound high_volume
📢 loudspeaker
📣 mega megaphone
📯 postal_horn
🔔 bell
🔕 no_bell
🎼 musical_score
🎵 musical_note
🎶 notes musical_notes
🎙️ studio_microphone
🎚️ level_slider
🎛️ control_knobs
🎤 microphone
🎧 headphones
📻 radio
🎷 saxophone
🎺 trumpet
🪊 trombone
🪗 accordion
🎸 guitar
🎹 musical_keyboard
🎻 violin
🪕 banjo
🥁 drum drum_with_drumsticks
🪘 long_drum
🪇 maracas
🪈 flute
🪉 harp
📱 iphone android mobile_phone
📲 calling mobile_phone_arrow
☎️ phone telephone
📞 telephone_receiver
📟 pager
📠 fax fax_machine
🔋 battery
🪫 low_battery
🔌 electric_plug
💻 computer laptop
🖥️ desktop_computer
🖨️ printer
⌨️ keyboard
🖱️ computer_mouse three_button_mouse
🖲️ trackball
💽 minidisc computer_disk
💾 floppy_disk
💿 cd optical_disk
📀 dvd
🧮 abacus
🎥 movie_camera
🎞️ film_strip film_frames
📽️ film_projector
🎬 clapper
📺 tv
📷 camera
📸 camera_flash camera_with_flash
📹 video_camera
📼 vhs videocassette
🔍 mag
🔎 mag_right
🕯️ candle
💡 bulb light_bulb
🔦 flashlight
🏮 izakaya_lantern lantern red_paper_lantern
🪔 diya_lamp
📔 notebook_with_decorative_cover
📕 closed_book
📖 book open_book
📗 green_book
📘 blue_book
📙 orange_book
📚 books
📓 notebook
📒 ledger
📃 page_with_curl
📜 scroll
📄 page_facing_up
📰 newspaper
🗞️ newspaper_roll rolled_up_newspaper
📑 bookmark_tabs
🔖 bookmark
🏷️ label
🪙 coin
💰 moneybag
🪎 treasure_chest
💴 yen
💵 dollar
💶 euro
💷 pound
💸 money_with_wings
💳 credit_card
🧾 receipt
💹 chart
✉️ envelope
📧 e-mail email
📨 incoming_envelope
📩 envelope_with_arrow
📤 outbox_tray
📥 inbox_tray
📦 package
📫 mailbox
📪 mailbox_closed
📬 mailbox_with_mail
📭 mailbox_with_no_mail
📮 postbox
🗳️ ballot_box ballot_box_with_ballot
✏️ pencil2
✒️ black_nib
🖋️ fountain_pen lower_left_fountain_pen
🖊️ pen lower_left_ballpoint_pen
🖌️ paintbrush lower_left_paintbrush
🖍️ crayon lower_left_crayon
📝 memo pencil
💼 briefcase
📁 file_folder
📂 open_file_folder
🗂️ card_index_dividers
📅 date
📆 calendar
🗒️ spiral_notepad spiral_note_pad notepad_spiral
🗓️ spiral_calendar spiral_calendar_pad calendar_spiral
📇 card_index
📈 chart_with_upwards_trend chart_increasing
📉 chart_with_downwards_trend chart_decreasing
📊 bar_chart
📋 clipboard
📌 pushpin
📍 round_pushpin
📎 paperclip
🖇️ paperclips linked_paperclips
📏 straight_ruler
📐 triangular_ruler
✂️ scissors
🗃️ card_file_box
🗄️ file_cabinet
🗑️ wastebasket trashcan
🔒 lock locked
🔓 unlock unlocked
🔏 lock_with_ink_pen locked_with_pen
🔐 closed_lock_with_key locked_with_key
🔑 key
🗝️ old_key
🔨 hammer
🪓 axe
⛏️ pick
⚒️ hammer_and_pick
🛠️ hammer_and_wrench
🗡️ dagger dagger_knife
⚔️ crossed_swords
💣 bomb
🪃 boomerang
🏹 bow_and_arrow
🛡️ shield
🪚 carpentry_saw
🔧 wrench
🪛 screwdriver
🔩 nut_and_bolt
⚙️ gear
🗜️ clamp compression
⚖️ balance_scale scales
🦯 probing_cane white_cane
🔗 link
⛓️‍💥 broken_chain
⛓️ chains
🪝 hook
🧰 toolbox
🧲 magnet
🪜 ladder
🪏 shovel
⚗️ alembic
🧪 test_tube
🧫 petri_dish
🧬 dna double_helix
🔬 microscope
🔭 telescope
📡 satellite satellite_antenna
💉 syringe
🩸 drop_of_blood
💊 pill
🩹 adhesive_bandage bandaid
🩼 crutch
🩺 stethoscope
🩻 x_ray x-ray xray
🚪 door
🛗 elevator
🪞 mirror
🪟 window
🛏️ bed
🛋️ couch_and_lamp
🪑 chair
🚽 toilet
🪠 plunger
🚿 shower
🛁 bathtub
🪤 mouse_trap
🪒 razor
🧴 lotion_bottle
🧷 safety_pin
🧹 broom
🧺 basket
🧻 roll_of_paper toilet_paper
🪣 bucket
🧼 soap
🫧 bubbles
🪥 toothbrush
🧽 sponge
🧯 fire_extinguisher
🛒 shopping_cart shopping_trolley
🚬 smoking cigarette
⚰️ coffin
🪦 headstone
⚱️ funeral_urn
🧿 nazar_amulet
🪬 hamsa
🗿 moyai moai
🪧 placard
🪪 identification_card id_card`},{key:"symbols",rows:`🏧 atm
🚮 put_litter_in_its_place litter_bin
🚰 potable_water
♿ wheelchair handicapped
🚹 mens
🚺 womens
🚻 restroom bathroom
🚼 baby_symbol
🚾 wc water_closet
🛂 passport_control
🛃 customs
🛄 baggage_claim
🛅 left_luggage
⚠️ warning
🚸 children_crossing
⛔ no_entry
🚫 no_entry_sign
🚳 no_bicycles
🚭 no_smoking
🚯 do_not_litter no_littering
🚱 non-potable_water
🚷 no_pedestrians
📵 no_mobile_phones
🔞 underage no_one_under_18
☢️ radioactive radioactive_sign
☣️ biohazard biohazard_sign
⬆️ arrow_up
↗️ arrow_upper_right
➡️ arrow_right
↘️ arrow_lower_right
⬇️ arrow_down
↙️ arrow_lower_left
⬅️ arrow_left
↖️ arrow_upper_left
↕️ arrow_up_down
↔️ left_right_arrow
↩️ leftwards_arrow_with_hook arrow_left_hook
↪️ arrow_right_hook rightwards_arrow_with_hook
⤴️ arrow_heading_up
⤵️ arrow_heading_down
🔃 arrows_clockwise clockwise
🔄 arrows_counterclockwise counterclockwise
🔙 back
🔚 end
🔛 on
🔜 soon
🔝 top
🛐 place_of_worship
⚛️ atom_symbol atom
🕉️ om om_symbol
✡️ star_of_david
☸️ wheel_of_dharma
☯️ yin_yang
✝️ latin_cross
☦️ orthodox_cross
☪️ star_and_crescent
☮️ peace_symbol peace
🕎 menorah menorah_with_nine_branches
🔯 six_pointed_star
🪯 khanda
♈ aries
♉ taurus
♊ gemini
♋ cancer
♌ leo
♍ virgo
♎ libra
♏ scorpius
♐ sagittarius
♑ capricorn
♒ aquarius
♓ pisces
⛎ ophiuchus
🔀 twisted_rightwards_arrows shuffle
🔁 repeat
🔂 repeat_one
▶️ arrow_forward play
⏩ fast_forward
⏭️ next_track_button black_right_pointing_double_triangle_with_vertical_bar next_track
⏯️ play_or_pause_button black_right_pointing_triangle_with_double_vertical_bar play_pause
◀️ arrow_backward reverse
⏪ rewind fast_reverse
⏮️ previous_track_button black_left_pointing_double_triangle_with_vertical_bar previous_track
🔼 arrow_up_small
⏫ arrow_double_up fast_up
🔽 arrow_down_small down
⏬ arrow_double_down fast_down
⏸️ pause_button double_vertical_bar pause
⏹️ stop_button black_square_for_stop stop
⏺️ record_button black_circle_for_record record
⏏️ eject_button eject
🎦 cinema
🔅 low_brightness dim_button
🔆 high_brightness bright_button
📶 signal_strength antenna_bars
🛜 wireless
📳 vibration_mode
📴 mobile_phone_off
♀️ female_sign female
♂️ male_sign male
⚧️ transgender_symbol
✖️ heavy_multiplication_x multiplication multiply
➕ heavy_plus_sign plus
➖ heavy_minus_sign minus
➗ heavy_division_sign divide division
🟰 heavy_equals_sign
♾️ infinity
‼️ bangbang double_exclamation
⁉️ interrobang exclamation_question
❓ question
❔ grey_question white_question
❕ grey_exclamation white_exclamation
❗ exclamation heavy_exclamation_mark
〰️ wavy_dash
💱 currency_exchange
💲 heavy_dollar_sign
⚕️ medical_symbol staff_of_aesculapius medical
♻️ recycle recycling_symbol
⚜️ fleur_de_lis fleur-de-lis
🔱 trident
📛 name_badge
🔰 beginner
⭕ o hollow_red_circle red_o
✅ white_check_mark check_mark_button
☑️ ballot_box_with_check
✔️ heavy_check_mark check_mark
❌ x cross_mark
❎ negative_squared_cross_mark cross_mark_button
➰ curly_loop
➿ loop double_curly_loop
〽️ part_alternation_mark
✳️ eight_spoked_asterisk
✴️ eight_pointed_black_star
❇️ sparkle
©️ copyright
®️ registered
™️ tm trade_mark
🫟 splatter
#️⃣ hash number_sign
*️⃣ asterisk keycap_star
0️⃣ zero
1️⃣ one
2️⃣ two
3️⃣ three
4️⃣ four
5️⃣ five
6️⃣ six
7️⃣ seven
8️⃣ eight
9️⃣ nine
🔟 keycap_ten ten
🔠 capital_abcd
🔡 abcd
🔢 1234
🔣 symbols
🔤 abc
🅰️ a a_blood
🆎 ab ab_blood
🅱️ b b_blood
🆑 cl
🆒 cool
🆓 free
ℹ️ information_source info
🆔 id
Ⓜ️ m
🆕 new
🆖 ng
🅾️ o2 o_blood
🆗 ok
🅿️ parking
🆘 sos
🆙 up up2
🆚 vs
🈁 koko ja_here
🈂️ sa ja_service_charge
🈷️ u6708 ja_monthly_amount
🈶 u6709 ja_not_free_of_carge
🈯 u6307 ja_reserved
🉐 ideograph_advantage ja_bargain
🈹 u5272 ja_discount
🈚 u7121 ja_free_of_charge
🈲 u7981 ja_prohibited
🉑 accept ja_acceptable
🈸 u7533 ja_application
🈴 u5408 ja_passing_grade
🈳 u7a7a ja_vacancy
㊗️ congratulations ja_congratulations
㊙️ secret ja_secret
🈺 u55b6 ja_open_for_business
🈵 u6e80 ja_no_vacancy
🔴 red_circle
🟠 orange_circle large_orange_circle
🟡 yellow_circle large_yellow_circle
🟢 green_circle large_green_circle
🔵 large_blue_circle blue_circle
🟣 purple_circle large_purple_circle
🟤 brown_circle large_brown_circle
⚫ black_circle
⚪ white_circle
🟥 red_square large_red_square
🟧 orange_square large_orange_square
🟨 yellow_square large_yellow_square
🟩 green_square large_green_square
🟦 blue_square large_blue_square
🟪 purple_square large_purple_square
🟫 brown_square large_brown_square
⬛ black_large_square
⬜ white_large_square
◼️ black_medium_square
◻️ white_medium_square
◾ black_medium_small_square
◽ white_medium_small_square
▪️ black_small_square
▫️ white_small_square
🔶 large_orange_diamond
🔷 large_blue_diamond
🔸 small_orange_diamond
🔹 small_blue_diamond
🔺 small_red_triangle
🔻 small_red_triangle_down
💠 diamond_shape_with_a_dot_inside diamond_with_a_dot
🔘 radio_button
🔳 white_square_button
🔲 black_square_button`},{key:"flags",rows:`🏁 checkered_flag
🚩 triangular_flag_on_post triangular_flag
🎌 crossed_flags
🏴 black_flag waving_black_flag
🏳️ white_flag waving_white_flag
🏳️‍🌈 rainbow_flag rainbow-flag
🏳️‍⚧️ transgender_flag
🏴‍☠️ pirate_flag jolly_roger
🇦🇨 ascension_island flag-ac flag_ac
🇦🇩 andorra flag-ad flag_ad
🇦🇪 united_arab_emirates flag-ae flag_ae
🇦🇫 afghanistan flag-af flag_af
🇦🇬 antigua_barbuda flag-ag flag_ag
🇦🇮 anguilla flag-ai flag_ai
🇦🇱 albania flag-al flag_al
🇦🇲 armenia flag-am flag_am
🇦🇴 angola flag-ao flag_ao
🇦🇶 antarctica flag-aq flag_aq
🇦🇷 argentina flag-ar flag_ar
🇦🇸 american_samoa flag-as flag_as
🇦🇹 austria flag-at flag_at
🇦🇺 australia flag-au flag_au
🇦🇼 aruba flag-aw flag_aw
🇦🇽 aland_islands flag-ax flag_ax
🇦🇿 azerbaijan flag-az flag_az
🇧🇦 bosnia_herzegovina flag-ba flag_ba
🇧🇧 barbados flag-bb flag_bb
🇧🇩 bangladesh flag-bd flag_bd
🇧🇪 belgium flag-be flag_be
🇧🇫 burkina_faso flag-bf flag_bf
🇧🇬 bulgaria flag-bg flag_bg
🇧🇭 bahrain flag-bh flag_bh
🇧🇮 burundi flag-bi flag_bi
🇧🇯 benin flag-bj flag_bj
🇧🇱 st_barthelemy flag-bl flag_bl
🇧🇲 bermuda flag-bm flag_bm
🇧🇳 brunei flag-bn flag_bn
🇧🇴 bolivia flag-bo flag_bo
🇧🇶 caribbean_netherlands flag-bq flag_bq
🇧🇷 brazil flag-br flag_br
🇧🇸 bahamas flag-bs flag_bs
🇧🇹 bhutan flag-bt flag_bt
🇧🇻 bouvet_island flag-bv flag_bv
🇧🇼 botswana flag-bw flag_bw
🇧🇾 belarus flag-by flag_by
🇧🇿 belize flag-bz flag_bz
🇨🇦 canada flag-ca flag_ca
🇨🇨 cocos_islands flag-cc flag_cc
🇨🇩 congo_kinshasa flag-cd flag_cd
🇨🇫 central_african_republic flag-cf flag_cf
🇨🇬 congo_brazzaville flag-cg flag_cg
🇨🇭 switzerland flag-ch flag_ch
🇨🇮 cote_divoire flag-ci flag_ci
🇨🇰 cook_islands flag-ck flag_ck
🇨🇱 chile flag-cl flag_cl
🇨🇲 cameroon flag-cm flag_cm
🇨🇳 cn flag-cn china flag_cn
🇨🇴 colombia flag-co flag_co
🇨🇵 clipperton_island flag-cp flag_cp
🇨🇶 flag-sark flag_cq sark
🇨🇷 costa_rica flag-cr flag_cr
🇨🇺 cuba flag-cu flag_cu
🇨🇻 cape_verde flag-cv flag_cv
🇨🇼 curacao flag-cw flag_cw
🇨🇽 christmas_island flag-cx flag_cx
🇨🇾 cyprus flag-cy flag_cy
🇨🇿 czech_republic flag-cz czechia flag_cz
🇩🇪 de flag-de flag_de germany
🇩🇬 diego_garcia flag-dg flag_dg
🇩🇯 djibouti flag-dj flag_dj
🇩🇰 denmark flag-dk flag_dk
🇩🇲 dominica flag-dm flag_dm
🇩🇴 dominican_republic flag-do flag_do
🇩🇿 algeria flag-dz flag_dz
🇪🇦 ceuta_melilla flag-ea flag_ea
🇪🇨 ecuador flag-ec flag_ec
🇪🇪 estonia flag-ee flag_ee
🇪🇬 egypt flag-eg flag_eg
🇪🇭 western_sahara flag-eh flag_eh
🇪🇷 eritrea flag-er flag_er
🇪🇸 es flag-es flag_es spain
🇪🇹 ethiopia flag-et flag_et
🇪🇺 eu european_union flag-eu flag_eu
🇫🇮 finland flag-fi flag_fi
🇫🇯 fiji flag-fj flag_fj
🇫🇰 falkland_islands flag-fk flag_fk
🇫🇲 micronesia flag-fm flag_fm
🇫🇴 faroe_islands flag-fo flag_fo
🇫🇷 fr flag-fr flag_fr france
🇬🇦 gabon flag-ga flag_ga
🇬🇧 gb uk flag-gb flag_gb united_kingdom
🇬🇩 grenada flag-gd flag_gd
🇬🇪 georgia flag-ge flag_ge
🇬🇫 french_guiana flag-gf flag_gf
🇬🇬 guernsey flag-gg flag_gg
🇬🇭 ghana flag-gh flag_gh
🇬🇮 gibraltar flag-gi flag_gi
🇬🇱 greenland flag-gl flag_gl
🇬🇲 gambia flag-gm flag_gm
🇬🇳 guinea flag-gn flag_gn
🇬🇵 guadeloupe flag-gp flag_gp
🇬🇶 equatorial_guinea flag-gq flag_gq
🇬🇷 greece flag-gr flag_gr
🇬🇸 south_georgia_south_sandwich_islands flag-gs flag_gs
🇬🇹 guatemala flag-gt flag_gt
🇬🇺 guam flag-gu flag_gu
🇬🇼 guinea_bissau flag-gw flag_gw
🇬🇾 guyana flag-gy flag_gy
🇭🇰 hong_kong flag-hk flag_hk
🇭🇲 heard_mcdonald_islands flag-hm flag_hm
🇭🇳 honduras flag-hn flag_hn
🇭🇷 croatia flag-hr flag_hr
🇭🇹 haiti flag-ht flag_ht
🇭🇺 hungary flag-hu flag_hu
🇮🇨 canary_islands flag-ic flag_ic
🇮🇩 indonesia flag-id flag_id
🇮🇪 ireland flag-ie flag_ie
🇮🇱 israel flag-il flag_il
🇮🇲 isle_of_man flag-im flag_im
🇮🇳 india flag-in flag_in
🇮🇴 british_indian_ocean_territory flag-io flag_io
🇮🇶 iraq flag-iq flag_iq
🇮🇷 iran flag-ir flag_ir
🇮🇸 iceland flag-is flag_is
🇮🇹 it flag-it flag_it italy
🇯🇪 jersey flag-je flag_je
🇯🇲 jamaica flag-jm flag_jm
🇯🇴 jordan flag-jo flag_jo
🇯🇵 jp flag-jp flag_jp
🇰🇪 kenya flag-ke flag_ke
🇰🇬 kyrgyzstan flag-kg flag_kg
🇰🇭 cambodia flag-kh flag_kh
🇰🇮 kiribati flag-ki flag_ki
🇰🇲 comoros flag-km flag_km
🇰🇳 st_kitts_nevis flag-kn flag_kn
🇰🇵 north_korea flag-kp flag_kp
🇰🇷 kr flag-kr flag_kr south_korea
🇰🇼 kuwait flag-kw flag_kw
🇰🇾 cayman_islands flag-ky flag_ky
🇰🇿 kazakhstan flag-kz flag_kz
🇱🇦 laos flag-la flag_la
🇱🇧 lebanon flag-lb flag_lb
🇱🇨 st_lucia flag-lc flag_lc
🇱🇮 liechtenstein flag-li flag_li
🇱🇰 sri_lanka flag-lk flag_lk
🇱🇷 liberia flag-lr flag_lr
🇱🇸 lesotho flag-ls flag_ls
🇱🇹 lithuania flag-lt flag_lt
🇱🇺 luxembourg flag-lu flag_lu
🇱🇻 latvia flag-lv flag_lv
🇱🇾 libya flag-ly flag_ly
🇲🇦 morocco flag-ma flag_ma
🇲🇨 monaco flag-mc flag_mc
🇲🇩 moldova flag-md flag_md
🇲🇪 montenegro flag-me flag_me
🇲🇫 st_martin flag-mf flag_mf
🇲🇬 madagascar flag-mg flag_mg
🇲🇭 marshall_islands flag-mh flag_mh
🇲🇰 macedonia flag-mk flag_mk
🇲🇱 mali flag-ml flag_ml
🇲🇲 myanmar flag-mm burma flag_mm
🇲🇳 mongolia flag-mn flag_mn
🇲🇴 macau flag-mo flag_mo macao
🇲🇵 northern_mariana_islands flag-mp flag_mp
🇲🇶 martinique flag-mq flag_mq
🇲🇷 mauritania flag-mr flag_mr
🇲🇸 montserrat flag-ms flag_ms
🇲🇹 malta flag-mt flag_mt
🇲🇺 mauritius flag-mu flag_mu
🇲🇻 maldives flag-mv flag_mv
🇲🇼 malawi flag-mw flag_mw
🇲🇽 mexico flag-mx flag_mx
🇲🇾 malaysia flag-my flag_my
🇲🇿 mozambique flag-mz flag_mz
🇳🇦 namibia flag-na flag_na
🇳🇨 new_caledonia flag-nc flag_nc
🇳🇪 niger flag-ne flag_ne
🇳🇫 norfolk_island flag-nf flag_nf
🇳🇬 nigeria flag-ng flag_ng
🇳🇮 nicaragua flag-ni flag_ni
🇳🇱 netherlands flag-nl flag_nl
🇳🇴 norway flag-no flag_no
🇳🇵 nepal flag-np flag_np
🇳🇷 nauru flag-nr flag_nr
🇳🇺 niue flag-nu flag_nu
🇳🇿 new_zealand flag-nz flag_nz
🇴🇲 oman flag-om flag_om
🇵🇦 panama flag-pa flag_pa
🇵🇪 peru flag-pe flag_pe
🇵🇫 french_polynesia flag-pf flag_pf
🇵🇬 papua_new_guinea flag-pg flag_pg
🇵🇭 philippines flag-ph flag_ph
🇵🇰 pakistan flag-pk flag_pk
🇵🇱 poland flag-pl flag_pl
🇵🇲 st_pierre_miquelon flag-pm flag_pm
🇵🇳 pitcairn_islands flag-pn flag_pn
🇵🇷 puerto_rico flag-pr flag_pr
🇵🇸 palestinian_territories flag-ps flag_ps
🇵🇹 portugal flag-pt flag_pt
🇵🇼 palau flag-pw flag_pw
🇵🇾 paraguay flag-py flag_py
🇶🇦 qatar flag-qa flag_qa
🇷🇪 reunion flag-re flag_re
🇷🇴 romania flag-ro flag_ro
🇷🇸 serbia flag-rs flag_rs
🇷🇺 ru flag-ru flag_ru russia
🇷🇼 rwanda flag-rw flag_rw
🇸🇦 saudi_arabia flag-sa flag_sa
🇸🇧 solomon_islands flag-sb flag_sb
🇸🇨 seychelles flag-sc flag_sc
🇸🇩 sudan flag-sd flag_sd
🇸🇪 sweden flag-se flag_se
🇸🇬 singapore flag-sg flag_sg
🇸🇭 st_helena flag-sh flag_sh
🇸🇮 slovenia flag-si flag_si
🇸🇯 svalbard_jan_mayen flag-sj flag_sj
🇸🇰 slovakia flag-sk flag_sk
🇸🇱 sierra_leone flag-sl flag_sl
🇸🇲 san_marino flag-sm flag_sm
🇸🇳 senegal flag-sn flag_sn
🇸🇴 somalia flag-so flag_so
🇸🇷 suriname flag-sr flag_sr
🇸🇸 south_sudan flag-ss flag_ss
🇸🇹 sao_tome_principe flag-st flag_st
🇸🇻 el_salvador flag-sv flag_sv
🇸🇽 sint_maarten flag-sx flag_sx
🇸🇾 syria flag-sy flag_sy
🇸🇿 swaziland flag-sz eswatini flag_sz
🇹🇦 tristan_da_cunha flag-ta flag_ta
🇹🇨 turks_caicos_islands flag-tc flag_tc
🇹🇩 chad flag-td flag_td
🇹🇫 french_southern_territories flag-tf flag_tf
🇹🇬 togo flag-tg flag_tg
🇹🇭 thailand flag-th flag_th
🇹🇯 tajikistan flag-tj flag_tj
🇹🇰 tokelau flag-tk flag_tk
🇹🇱 timor_leste flag-tl flag_tl
🇹🇲 turkmenistan flag-tm flag_tm
🇹🇳 tunisia flag-tn flag_tn
🇹🇴 tonga flag-to flag_to
🇹🇷 tr flag-tr flag_tr turkey_tr
🇹🇹 trinidad_tobago flag-tt flag_tt
🇹🇻 tuvalu flag-tv flag_tv
🇹🇼 taiwan flag-tw flag_tw
🇹🇿 tanzania flag-tz flag_tz
🇺🇦 ukraine flag-ua flag_ua
🇺🇬 uganda flag-ug flag_ug
🇺🇲 us_outlying_islands flag-um flag_um
🇺🇳 united_nations flag-un flag_un un
🇺🇸 us flag-us flag_us united_states usa
🇺🇾 uruguay flag-uy flag_uy
🇺🇿 uzbekistan flag-uz flag_uz
🇻🇦 vatican_city flag-va flag_va
🇻🇨 st_vincent_grenadines flag-vc flag_vc
🇻🇪 venezuela flag-ve flag_ve
🇻🇬 british_virgin_islands flag-vg flag_vg
🇻🇮 us_virgin_islands flag-vi flag_vi
🇻🇳 vietnam flag-vn flag_vn
🇻🇺 vanuatu flag-vu flag_vu
🇼🇫 wallis_futuna flag-wf flag_wf
🇼🇸 samoa flag-ws flag_ws
🇽🇰 kosovo flag-xk flag_xk
🇾🇪 yemen flag-ye flag_ye
🇾🇹 mayotte flag-yt flag_yt
🇿🇦 south_africa flag-za flag_za
🇿🇲 zambia flag-zm flag_zm
🇿🇼 zimbabwe flag-zw flag_zw
🏴󠁧󠁢󠁥󠁮󠁧󠁿 england flag-england flag_gbeng
🏴󠁧󠁢󠁳󠁣󠁴󠁿 scotland flag-scotland flag_gbsct
🏴󠁧󠁢󠁷󠁬󠁳󠁿 wales flag-wales flag_gbwls`}];export{a as default};
