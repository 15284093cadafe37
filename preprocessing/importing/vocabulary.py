"""Words of imaging protocols: the only words of a free text that an import lets through.

A list of what is allowed, because no list of what is forbidden knows every name. The words are in languages
of scanners that are common in practice (English, German, French, Spanish, Italian).
"""

from __future__ import annotations

_SEQUENCES = """
t1 t2 t1w t2w pd pdw flair stir space cube vista brain flash fisp truefisp ssfp bssfp fiesta bffe ffe tfe
tse fse ssfse haste propeller blade multivane vibe thrive lava mprage mp2rage bravo spgr fspgr spgre gre me
mege se ir epi ep2d dwi dti adc trace fa swi swan bold fmri asl pcasl tof mra mrv cemra pca mrcp dixon
mdixon ideal ip op opp inphase outphase water fat wat inv tirm spair spir chess fs fatsat nofs sat spectral
medic dess ciss merge cine tagging molli perfusion perf dce dsc diff diffusion isotropic iso highres hires
hr lowres fast quick turbo ultrafast gradient spin echo inversion recovery saturation suppression weighted
image map mapping field fieldmap phase magnitude real imaginary mag ph pha mip minip mpr mpvr vrt rec recon
reconstruction reformat sense asset grappa caipi arc ipat cs compressed navigator nav trig triggered trigger
gated gating bh breathhold breath hold free breathing resp respiratory ecg dyn dynamic static multi single
shot ss ms ssh localizer loc scout survey topogram scanogram tro test phantom qa calibration cal ref
reference b0 b1 wip mosaic norm nd dis2d dis3d
"""

_PLANES = """
ax axial tra transverse transversal trans cor coronal koronar sag sagittal sagittale obl oblique paracoronal
parasagittal paraaxial plane orthogonal 2d 3d 4d isovoxel
"""

_BODY = """
head brain skull neuro cranium kopf schaedel schadel crane cerebral orbit orbits sinus petrous iac neck hals
cervical cspine cervicalspine tspine lspine spine wirbelsaeule bws hws lws thoracic lumbar sacrum sacral
thorax chest lung lungs heart cardiac coronary aorta mediastinum breast liver spleen pancreas kidney kidneys
renal adrenal bowel abdomen abd abdo abdomenpelvis pelvis pelvic becken bassin pelvi cadera hip hips hueft
huefte hanche anca femur femoral thigh knee knie genou leg legs lower upper limb limbs extremity extremities
tibia foot ankle calf shoulder schulter arm elbow forearm wrist hand hands joint joints bone bones knochen
muscle muscles gluteal gluteus prostate bladder uterus ovary rectum whole wholebody wb body trunk torso
total left right bilateral both links rechts gauche droite li re lt rt bil
"""

_CT = """
ct kernel soft sft tissue weichteil standard stnd std bone detail lung edge sharp smooth very medium hard
ultra routine low dose lowdose hd nd native nativ plain noncontrast contrast kontrast km mit ohne with
without w wo wc pre post gd gad gado venous arterial portal portalvenous delayed late early equilibrium
nephrographic excretory angio cta ctpa runoff spiral helical sequence sequential seq volume vol axial dual
energy mono de kvp kv ma filtered fbp idose asir safire admire aidr mar omar imar smar metal artifact
reduction thin thick slice slices sl slab mm cm stereotaxis planning plan rt radiotherapy simulation sim
simu attenuation correction ctac pet spect
"""

_SPEECH = """
and of the in on for no non not to from series scan image images acquisition acq original derived primary
secondary ap pa lr rl si is hf fh hfs ffs supine prone rest stress flexion extension neutral inner outer
long short axis full half quarter high low resolution res fov large small coil array head body default
protocol registered synthetic fused subtraction sub add average avg mean max min sum diff
"""

_MAKERS = """
siemens healthineers healthcare ge medical systems philips toshiba canon hitachi fujifilm united imaging uih
shimadzu neusoft esaote bruker varian elekta nanox aera altea amira avanto avantofit biograph espree essenza
harmony lumina magnetom prisma sempra skyra sola sonata spectra symphony symphonytim terra trio triotim
verio vida viato free max cima somatom definition sensation emotion force flash edge drive go top all now up
perspective scope volume zoom confidence signa excite artist architect explorer hdxt hdx premier pioneer
voyager creator optima discovery revolution lightspeed brightspeed hispeed bright light speed pro vct evo
apex frontier maxima advance achieva ingenia intera gyroscan panorama elition ambition multiva prodiva
brilliance ict ingenuity iqon incisive access spectral mx8000 big bore aquilion vantage titan galan orian
elan one prime genesis lightning precision excelart echelon oval airis aperto scenaria supria as open dtx
"""

_TERMS = """
CT MR PT NM US CR DX MG XA RF OT SC SR SEG REG KO PR RTSTRUCT RTDOSE RTPLAN RTIMAGE HU OD ED MGML
ORIGINAL DERIVED PRIMARY SECONDARY AXIAL LOCALIZER MPR MIXED NONE M P R I RGB YBR FULL PALETTE COLOR
SCREEN SAVE DOSE INFO CAPTURE JPEG RLE MPEG2 MPEG4 HEVC
"""

TERMS = frozenset(_TERMS.split())
"""Defined terms of the DICOM standard (PS3.3), in upper case: they say what an object is, never whose."""

WORDS = frozenset(" ".join([_SEQUENCES, _PLANES, _BODY, _CT, _SPEECH, _MAKERS]).split())
"""All protocol words, in lower case."""
